// The import panel of the page in headless Chromium: rows, mapping, failed rows and decisions on duplicates.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { limit, openBrowser } from "./browser.mjs";
import { data, origin, stillAnswers } from "./server.mjs";

let browser;
let page;
let foreign;
let faults;
let panel;

test.before(async () => {
  if (limit.skip) return;
  ({ browser, page, foreign, faults } = await openBrowser());
  await page.goto(origin, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: "Show Import" }).click();
  panel = page.getByRole("region", { name: "Import" });
});
test.after(() => browser?.close());

async function upload(name, text) {
  await panel.getByLabel("File").setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
}
const click = (within, name) => within.getByRole("button", { name, exact: true }).click();
const shot = (name) => process.env.SALESGRAPH_SCREENSHOTS && page.screenshot({ path: `${process.env.SALESGRAPH_SCREENSHOTS}/${name}.png` });

/** The cells of the rows of a table. */
async function cells(table) {
  const rows = await table.locator("tbody tr").all();
  return Promise.all(rows.map((row) => row.locator("td, th").allInnerTexts()));
}

test("the rows of a preview show their outcomes", limit, async () => {
  const list = "Name,Email,Company,Extra\nIda Import,ida@import-test.example,Import Test,x\nIda I,IDA@import-test.example,Import Test,y\nNobody,no(at)body,Import Test,z\n";
  await upload("rows.csv", list);
  await panel.getByText("rows.csv: PENDING").waitFor();
  await click(panel, "Rows");
  const dialog = page.getByRole("dialog", { name: "Rows of rows.csv" });
  await dialog.getByText("3 of 3 rows").waitFor();
  await shot("rows");
  const rows = await cells(dialog.getByRole("table"));
  assert.deepEqual(rows.map((row) => row.slice(0, 5)), [
    ["2", "Ida Import", "ida@import-test.example", "Import Test", "will be created"],
    ["3", "Ida I", "ida@import-test.example", "Import Test", "skipped"],
    ["4", "Nobody", "", "Import Test", "failed"],
  ]);
  assert.match(rows[2][5], /`no\(at\)body` is not an e-mail address/);
  await dialog.getByLabel("Rows").selectOption("Failed");
  await dialog.getByText("1 of 1 rows").waitFor();
  await click(dialog, "Close");
  await dialog.waitFor({ state: "hidden" });
});

test("failed rows can be downloaded, corrected and imported again", limit, async () => {
  const [download] = await Promise.all([page.waitForEvent("download"), click(panel, "Download failed rows")]);
  assert.equal(download.suggestedFilename(), "rows.csv-failed.csv");
  const text = readFileSync(await download.path(), "utf8");
  assert.equal(text, "\ufeffFailed line,Failure reason,Name,Email,Company,Extra\r\n4,`no(at)body` is not an e-mail address,Nobody,no(at)body,Import Test,z\r\n");
  await click(panel, "Import");
  await panel.getByText("rows.csv: COMPLETED").waitFor();
  await upload("corrected.csv", text.replace("no(at)body,Import", "no@import-test.example,Import"));
  await panel.getByText("corrected.csv: PENDING").waitFor();
  assert.match(await panel.innerText(), /New prospects\s+1\s/);
});

test("the mapping can be changed before the import", limit, async () => {
  const list = "Name,Mail,Second,Town\nMia Map,mia@map-test.example,mia@other-map-test.example,Ulm\n";
  await upload("map.csv", list);
  await panel.getByText("map.csv: PENDING").waitFor();
  const { importJobs: before } = await data("{ importJobs { totalCount } }");
  assert.equal(await panel.getByLabel("Field of Mail").inputValue(), "email");
  assert.equal(await panel.getByRole("button", { name: "Apply mapping" }).isDisabled(), true);
  await panel.getByLabel("Field of Mail").selectOption("");
  await panel.getByLabel("Field of Second").selectOption("email");
  await shot("mapping");
  await click(panel, "Apply mapping");
  await panel.getByRole("button", { name: "Apply mapping", disabled: true }).waitFor();
  await panel.getByLabel("Field of Town").selectOption("location");
  await click(panel, "Apply mapping");
  await panel.getByRole("button", { name: "Apply mapping", disabled: true }).waitFor();
  assert.equal(await panel.getByLabel("Field of Second").inputValue(), "email");
  assert.equal(await panel.getByLabel("Field of Mail").inputValue(), "");
  await click(panel, "Import");
  await panel.getByText("map.csv: COMPLETED").waitFor();
  const { importJobs, prospects } = await data('{ importJobs { totalCount } prospects(filter: { fullName: { eq: "Mia Map" } }) { nodes { email location } } }');
  assert.deepEqual(prospects.nodes, [{ email: "mia@other-map-test.example", location: "Ulm" }]);
  // Previews with another mapping are deleted.
  assert.equal(importJobs.totalCount, before.totalCount);
});

test("columns that are not recognized can be assigned", limit, async () => {
  await upload("unknown.csv", "Wer;Wohin\nUlf Unknown;ulf@unknown-test.example\n");
  await panel.getByRole("alert").getByText("can't detect the columns").waitFor();
  faults.splice(0, faults.length, ...faults.filter((fault) => !/40[04]/.test(fault)));
  await panel.getByLabel("Field of Wer").selectOption("full_name");
  await panel.getByLabel("Field of Wohin").selectOption("email");
  await click(panel, "Apply mapping");
  await panel.getByText("unknown.csv: PENDING").waitFor();
  assert.match(await panel.innerText(), /New prospects\s+1\s/);
});

test("possible duplicates are decided one by one, side by side with their candidates", limit, async () => {
  const { companies } = await data("{ companies(first: 1, orderBy: [{ prospectCount: DESC }]) { nodes { id name domain } } }");
  const [company] = companies.nodes;
  const input = (name, email) => ({ fullName: name, email, companyId: company.id, jobTitle: "CTO" });
  const create = "mutation ($input: CreateProspectInput!) { createProspect(input: $input) { prospect { id } userErrors { message } } }";
  const ids = [];
  for (const [name, email] of [["Dora Double", "dora@double-test.example"], ["Emil Equal", "emil@double-test.example"], ["Fritz Former", "fritz@double-test.example"]]) {
    const { createProspect } = await data(create, { input: input(name, email) });
    ids.push(createProspect.prospect.id);
  }
  const rows = [["Dora Double", "d.double", "+493011112222"], ["Emil Equal", "e.equal", ""], ["Fritz Former", "f.former", ""]];
  const list = rows.map(([name, email, phone]) => `${name},${email}@double-test.example,${phone},${company.name}\n`).join("");
  await upload("duplicates.csv", `Name,Email,Phone,Company\n${list}`);
  await panel.getByText("duplicates.csv: PENDING").waitFor();
  assert.match(await panel.innerText(), /Possible duplicates\s+3\s/);
  await click(panel, "Possible duplicates");
  const dialog = page.getByRole("dialog", { name: "Possible duplicates" });
  await dialog.getByText("3 rows need a decision.").waitFor();
  await shot("duplicates");
  const table = await cells(dialog.getByRole("table"));
  assert.deepEqual(table[0].slice(0, 3), ["Name", "Dora Double", "Dora Double"]);
  assert.deepEqual(table[1].slice(0, 3), ["E-mail", "d.double@double-test.example", "dora@double-test.example"]);
  assert.deepEqual(table[2].slice(0, 3), ["Phone", "+493011112222", ""]);
  assert.equal(await dialog.locator(".salesgraph-differs").first().innerText(), "dora@double-test.example");
  await click(dialog, "Merge into Dora Double");
  await dialog.getByText("2 rows need a decision.").waitFor();
  await click(dialog, "Decide later");
  await dialog.getByRole("button", { name: "Merge into Fritz Former" }).waitFor();
  await click(dialog, "Skip the row");
  await dialog.getByText("No further rows need a decision.").waitFor();
  await click(dialog, "Back to the first row");
  await dialog.getByText("1 row needs a decision.").waitFor();
  await click(dialog, "Create a prospect");
  await dialog.getByText("No rows need a decision.").waitFor();
  await click(dialog, "Close");
  await click(panel, "Import");
  await panel.getByText("duplicates.csv: COMPLETED").waitFor();
  const { prospects } = await data('{ prospects(filter: { email: { contains: "double-test.example" } }) { nodes { fullName email phone } } }');
  assert.deepEqual(prospects.nodes.map((one) => [one.fullName, one.email, one.phone]), [
    ["Dora Double", "dora@double-test.example", "+493011112222"], ["Emil Equal", "emil@double-test.example", null],
    ["Fritz Former", "fritz@double-test.example", null], ["Emil Equal", "e.equal@double-test.example", null]]);
});

test("recent imports can be opened again", limit, async () => {
  await page.reload({ waitUntil: "networkidle" });
  const show = page.getByRole("button", { name: "Show Import" });
  if (await show.isVisible()) await show.click();
  await panel.getByRole("button", { name: "map.csv: COMPLETED" }).click();
  await panel.getByRole("heading", { name: "map.csv: COMPLETED" }).waitFor();
  await click(panel, "Undo import");
  await panel.getByRole("heading", { name: "map.csv: UNDONE" }).waitFor();
});

test("the page requested no other host and reported no error", limit, () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(faults, []);
});

test("the server still responds", stillAnswers);

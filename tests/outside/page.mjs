// The page at / in headless Chromium with all other hosts blocked: loading, queries, imports and subscriptions.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { limit, openBrowser } from "./browser.mjs";
import { origin, stillAnswers, writeDraft } from "./server.mjs";

let browser;
let page;
let foreign;
let faults;

test.before(async () => {
  if (!limit.skip) ({ browser, page, foreign, faults } = await openBrowser());
});
test.after(() => browser?.close());

/** Opens the example query with this title in a new tab and runs it. */
async function run(title) {
  const questions = page.getByRole("button", { name: "Show Examples" });
  if (await questions.isVisible()) await questions.click();
  await page.getByRole("button", { name: title, exact: true }).click();
  // GraphiQL parses a tab shortly after showing it; until then it sends the operation name of the previous tab.
  await page.waitForTimeout(1_000);
  await page.getByRole("button", { name: /^Execute query/ }).click();
}
const result = () => page.locator(".result-window");

test("the page loads and shows the database and the caller's role", limit, async () => {
  await page.goto(origin, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: /^Execute query/ }).waitFor();
  assert.match(await page.locator("#banner").innerText(), /(SQLite|Postgres) database\s+role OWNER/);
});

test("the query in the first tab succeeds", limit, async () => {
  await page.getByRole("button", { name: /^Execute query/ }).click();
  await result().getByText("totalCount").first().waitFor();
  assert.doesNotMatch(await result().innerText(), /"errors"/);
});

test("an example query succeeds", limit, async () => {
  await run("Reply rate by industry");
  await result().getByText("replyRate").first().waitFor();
  assert.doesNotMatch(await result().innerText(), /"errors"/);
});

test("the report shows the statements of a query", limit, async () => {
  await page.getByRole("button", { name: "Show Query performance" }).click();
  const report = page.getByRole("region", { name: "Query performance" });
  assert.match(await report.innerText(), /SQL statements\s+1\s+Rows\s+12/);
  assert.match(await report.innerText(), /SELECT/);
  assert.doesNotMatch(await result().innerText(), /extensions/);
});

test("a query result can be downloaded as CSV", limit, async () => {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download as CSV" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "industryPerformance.csv");
  const lines = readFileSync(await download.path(), "utf8").split("\r\n");
  assert.match(lines[0], /^\ufeffindustryName,replyRate,/);
  assert.equal(lines.length, 1 + 12 + 1);
});

test("every example query can be downloaded as CSV, and a subscription names the reason", { ...limit, timeout: 180_000 }, async () => {
  const titles = await page.evaluate(async () => (await (await fetch("graphiql/examples.json")).json()).map((one) => one.title));
  const button = page.getByRole("button", { name: "Download as CSV" });
  for (const title of titles.filter((title) => !title.startsWith("Subscription"))) {
    await run(title);
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    const lines = readFileSync(await download.path(), "utf8").split("\r\n");
    assert.ok(lines.length >= 3 && lines[0].length > 1, `${title}: ${lines[0]}`);
    await page.waitForTimeout(200);
    assert.equal(await page.getByRole("alert").count(), 0, title);
  }
  // Text that a spreadsheet would compute is prefixed as in the server's CSV (api/server/src/csv.rs).
  const made = await page.evaluate(() => csvTables({ list: { totalCount: 1, nodes: [{ a: "=1", b: { c: "x,\t+y" }, d: [1, 2], e: null }] }, none: null }));
  assert.deepEqual(made, [{ name: "list.csv", text: 'a,b.c,d,e\r\n\'=1,"x,\t\'+y",1; 2,\r\n' }]);
  await run("Subscription: new drafts");
  await button.click();
  await page.getByRole("alert").getByText("A subscription can't be downloaded as CSV; use a query.").click();
  assert.equal(await page.getByRole("alert").count(), 0);
  await page.getByRole("button", { name: /^Stop query/ }).click();
});

test("the editor completes fields, and the explorer lists them", limit, async () => {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.waitForTimeout(500);
  await page.locator(".graphiql-query-editor .CodeMirror").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("{ prosp");
  await page.locator(".CodeMirror-hints").getByText("prospects").first().waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.type("ects { aggregate { count } } }");
  await page.getByRole("button", { name: "Show GraphiQL Explorer" }).click();
  await page.locator(".graphiql-explorer-root, .doc-explorer-contents").getByText("draftFunnel").first().waitFor();
  await page.getByRole("button", { name: /^Execute query/ }).click();
  await result().getByText("count").first().waitFor();
});

test("the documentation explorer shows types and fields", limit, async () => {
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.locator(".graphiql-doc-explorer").getByText("Query", { exact: true }).first().click();
  await page.locator(".graphiql-doc-explorer").getByText("industryPerformance").first().waitFor();
});

test("an import is previewed, committed, enriched and undone", limit, async () => {
  await page.getByRole("button", { name: "Show Import" }).click();
  const panel = page.getByRole("region", { name: "Import" });
  const list = "Name,E-Mail,Telefon,Company,Notes\nUma Page,uma@page-test.example,030 12345678,Page Test,x\nUma P,UMA@page-test.example,,Page Test,\nNobody,,,,\n";
  await panel.getByLabel("Country").fill("de");
  await panel.getByLabel("File").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(list) });
  await panel.getByText("people.csv: PENDING").waitFor();
  assert.match(await panel.innerText(), /New prospects\s+1\s+Fill in prospects\s+0\s+Possible duplicates\s+0\s+Nothing new\s+1\s+Invalid\s+1/);
  assert.equal(await panel.getByLabel("Field of Telefon").inputValue(), "phone");
  assert.equal(await panel.getByLabel("Field of Notes").inputValue(), "");
  await panel.getByRole("button", { name: "Import", exact: true }).click();
  await panel.getByText("people.csv: COMPLETED").waitFor();
  assert.match(await panel.innerText(), /Created\s+1\s+/);
  await panel.getByRole("button", { name: "Enrich" }).click();
  await panel.getByText("Enrichment of people.csv: COMPLETED").waitFor();
  assert.match(await panel.innerText(), /Enriched\s+1\s+[^]*Cost, USD\s+0\.0000/);
  await panel.getByRole("button", { name: "Undo enrichment" }).last().click();
  await panel.getByText("Enrichment of people.csv: UNDONE").waitFor();
  assert.match(await panel.innerText(), /Values undone\s+1/);
  await panel.getByRole("button", { name: "Undo import" }).click();
  await panel.getByText("people.csv: UNDONE", { exact: true }).waitFor();
  assert.match(await panel.innerText(), /Undone\s+1\s+/);
});

test("the dark theme can be selected", limit, async () => {
  await page.getByRole("button", { name: "Open settings dialog" }).click();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await page.locator("body.graphiql-dark").waitFor();
  await page.keyboard.press("Escape");
});

test("the example subscription receives a new draft", limit, async () => {
  await run("Subscription: new drafts");
  await page.getByRole("button", { name: /^Stop query/ }).waitFor();
  // The socket opens shortly after the button changes, so drafts are created until one arrives.
  const arrived = result().getByText("for the page").first().waitFor({ timeout: 30_000 });
  const writing = setInterval(() => writeDraft("for the page").catch(() => {}), 500);
  await arrived.finally(() => clearInterval(writing));
  await page.getByRole("button", { name: /^Stop query/ }).click();
});

test("with required API keys, the page asks for a key and keeps it per tab", limit, async () => {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  const database = ["--database", `sqlite:${join(folder, "keys.db")}`];
  const binary = process.env.SALESGRAPH_BINARY;
  const key = execFileSync(binary, [...database, "keys", "create", "--role", "owner", "--user", "ada@page.example"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  execFileSync(binary, [...database, "seed"], { stdio: "ignore" });
  const server = spawn(binary, [...database, "serve", "--require-keys", "--listen", "127.0.0.1:4711"], { stdio: "ignore" });
  const address = "http://127.0.0.1:4711";
  const context = await browser.newContext();
  const closes = [];
  try {
    for (let tries = 0; tries < 100 && !(await fetch(`${address}/health/live`).catch(() => null)); tries++) {
      await new Promise((done) => setTimeout(done, 100));
    }
    const own = await context.newPage();
    own.on("websocket", (socket) => socket.on("socketerror", (error) => closes.push(error)));
    await own.goto(address, { waitUntil: "networkidle" });
    await own.getByText("This server requires an account or an API key.").waitFor();
    await own.getByRole("textbox", { name: "API key" }).fill(key);
    await own.getByRole("button", { name: "Use key" }).click();
    await own.getByText("role OWNER, actor ada@page.example").waitFor();
    await own.reload({ waitUntil: "networkidle" });
    await own.getByText("role OWNER, actor ada@page.example").waitFor();
    await own.getByRole("button", { name: "Show Examples" }).click();
    await own.getByRole("button", { name: "Subscription: new drafts", exact: true }).click();
    await own.waitForTimeout(1_000);
    await own.getByRole("button", { name: /^Execute query/ }).click();
    const write = () => fetch(`${address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: 'mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "with a key" }) { userErrors { message } } }' }),
    }).catch(() => {});
    const arrived = own.locator(".result-window").getByText("with a key").first().waitFor({ timeout: 30_000 });
    const writing = setInterval(write, 500);
    await arrived.finally(() => clearInterval(writing));
    assert.doesNotMatch(await own.locator(".result-window").innerText(), /4401/);
    assert.deepEqual(closes, []);
    // The key is not shared with other tabs.
    const other = await context.newPage();
    await other.goto(address, { waitUntil: "networkidle" });
    await other.getByText("This server requires an account or an API key.").waitFor();
  } finally {
    await context.close();
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the page sends no requests to other hosts", limit, () => assert.deepEqual(foreign, []));
test("the browser console shows no errors", limit, () => assert.deepEqual(faults, []));

test("the server still responds", stillAnswers);

// Accounts in headless Chromium: the first account, sessions, invitations, and pages of other origins.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { limit, openBrowser } from "./browser.mjs";
import { stillAnswers } from "./server.mjs";

const address = "http://127.0.0.1:4712";
const password = "correct horse battery";
const binary = process.env.SALESGRAPH_BINARY;
const folder = mkdtempSync(join(tmpdir(), "accounts-"));
const database = ["--database", `sqlite:${join(folder, "accounts.db")}`];

let browser;
let server;
let code;
let page;
const faults = [];

test.before(async () => {
  if (limit.skip) return;
  ({ browser } = await openBrowser());
  server = spawn(binary, [...database, "serve", "--listen", "127.0.0.1:4712"], { stdio: ["ignore", "pipe", "ignore"] });
  // The server prints the setup code when it starts.
  for await (const line of createInterface(server.stdout)) {
    code = line.match(/setup code (\S+)/)?.[1] ?? code;
    if (line.startsWith("Example query")) break;
  }
  page = await (await browser.newContext()).newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
});
test.after(async () => {
  await browser?.close();
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The response of `/graphql` to a query that the page sends with its session. */
function ask(own, query) {
  return own.evaluate(async (text) => {
    const answer = await fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: text }) });
    return answer.json();
  }, query);
}

const alertText = (own) => own.getByRole("alert").innerText();

test("the first account is created with the setup code", limit, async () => {
  assert.ok(code, "the server prints a setup code");
  await page.goto(`${address}/sign-in#setup`);
  await page.getByLabel("Setup code").fill("a wrong code");
  await page.getByLabel("E-mail address").fill("ada@accounts.example");
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("Repeat the password").fill("something else");
  const create = page.getByRole("button", { name: "Create the first account" });
  await create.click();
  assert.equal(await alertText(page), "The passwords differ.");
  await page.getByLabel("Repeat the password").fill(password);
  await create.click();
  await page.getByText("the setup code is wrong").waitFor();
  await page.getByLabel("Setup code").fill(code);
  await create.click();
  await page.getByText("role OWNER, actor Ada Lovelace").waitFor();
});

test("scripts can't read the cookie, and requests without it are rejected", limit, async () => {
  assert.equal(await page.evaluate(() => document.cookie), "");
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path], ["salesgraph-local-4712", true, "Lax", "/"]);
  const anonymous = await (await browser.newContext()).newPage();
  await anonymous.goto(address);
  await anonymous.getByText("This server requires an account or an API key.").waitFor();
  assert.equal((await ask(anonymous, "{ companies { totalCount } }")).errors[0].extensions.code, "UNAUTHENTICATED");
});

test("the page queries and subscribes with the session", limit, async () => {
  await page.getByRole("button", { name: /^Execute query/ }).click();
  await page.locator(".result-window").getByText("totalCount").first().waitFor();
  await page.getByRole("button", { name: "Show Examples" }).click();
  await page.getByRole("button", { name: "Subscription: new drafts", exact: true }).click();
  await page.waitForTimeout(1_000);
  await page.getByRole("button", { name: /^Execute query/ }).click();
  await page.getByRole("button", { name: /^Stop query/ }).waitFor();
  const arrived = page.locator(".result-window").getByText("with a session").first().waitFor({ timeout: 30_000 });
  const write = 'mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "with a session" }) { userErrors { message } } }';
  const writing = setInterval(() => ask(page, write).catch(() => {}), 500);
  await arrived.finally(() => clearInterval(writing));
  await page.getByRole("button", { name: /^Stop query/ }).click();
});

test("a page of another origin can't use the session", limit, async () => {
  const foreign = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>foreign</title>"));
  foreign.listen(0, "127.0.0.1");
  await once(foreign, "listening");
  const other = await page.context().newPage();
  // Another port of the same host: the browser sends the cookie, because ports are the same site.
  await other.goto(`http://127.0.0.1:${foreign.address().port}/`);
  const before = (await ask(page, "{ outreachDrafts { totalCount } }")).data.outreachDrafts.totalCount;
  const results = await other.evaluate(async (target) => {
    const mutation = 'mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "foreign" }) { userErrors { message } } }';
    const text = JSON.stringify({ query: mutation });
    const tries = [
      () => fetch(`${target}/graphql`, { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: text }),
      () => fetch(`${target}/graphql`, { method: "POST", mode: "no-cors", credentials: "include", headers: { "content-type": "text/plain" }, body: text }),
      () => fetch(`${target}/graphql?query={viewer{role}}`, { credentials: "include" }),
      () => fetch(`${target}/sign-out`, { method: "POST", mode: "no-cors", credentials: "include" }),
      () => new Promise((resolve, reject) => {
        const socket = new WebSocket(`${target.replace("http", "ws")}/graphql`, "graphql-transport-ws");
        socket.onopen = () => resolve({ type: "open" });
        socket.onerror = () => reject(new Error("closed"));
      }),
    ];
    return Promise.all(tries.map((run) => run().then((answer) => answer.type, () => "failed")));
  }, address);
  // An opaque response is empty and has no status.
  for (const result of results) assert.ok(["failed", "opaque"].includes(result), results.join());
  assert.equal((await ask(page, "{ outreachDrafts { totalCount } }")).data.outreachDrafts.totalCount, before);
  await other.close();
  foreign.close();
});

test("an invited person chooses a password and joins", limit, async () => {
  const invite = 'mutation { inviteMember(input: { email: "grace@accounts.example", role: ANALYST }) { link userErrors { message } } }';
  const { link } = (await ask(page, invite)).data.inviteMember;
  assert.ok(link.startsWith("http://localhost:4712/sign-in#invitation="), link);
  const own = await (await browser.newContext()).newPage();
  await own.goto(link.replace("localhost", "127.0.0.1"));
  // The token does not stay in the address.
  assert.equal(new URL(own.url()).hash, "");
  await own.getByLabel("Name").fill("Grace Hopper");
  await own.getByLabel("Password", { exact: true }).fill("short");
  await own.getByLabel("Repeat the password").fill("short");
  const accept = own.getByRole("button", { name: "Accept the invitation" });
  await accept.click();
  await own.getByText("must have 12 to 128 characters").waitFor();
  await own.getByLabel("Password", { exact: true }).fill("another long password");
  await own.getByLabel("Repeat the password").fill("another long password");
  await accept.click();
  await own.getByText("role ANALYST, actor Grace Hopper").waitFor();
  await own.goto(link.replace("localhost", "127.0.0.1"));
  await own.getByLabel("Password", { exact: true }).fill("another long password");
  await own.getByLabel("Repeat the password").fill("another long password");
  await own.getByRole("button", { name: "Accept the invitation" }).click();
  await own.getByText("the link is invalid").waitFor();
});

test("a suspended member is signed out, and the command line resets a password", limit, async () => {
  const own = await (await browser.newContext()).newPage();
  await own.goto(`${address}/sign-in`);
  const signIn = async (text) => {
    await own.getByLabel("E-mail address").fill("grace@accounts.example");
    await own.getByLabel("Password", { exact: true }).fill(text);
    await own.getByRole("button", { name: "Sign in" }).click();
  };
  await signIn("a wrong password");
  await own.getByText("the e-mail address or the password is wrong").waitFor();
  await signIn("another long password");
  await own.getByText("role ANALYST, actor Grace Hopper").waitFor();
  const run = (...command) => execFileSync(binary, [...database, "users", ...command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  run("suspend", "grace@accounts.example");
  await own.waitForTimeout(1_000);
  assert.equal((await ask(own, "{ viewer { role } }")).errors[0].extensions.reason, "SESSION_REJECTED");
  run("reinstate", "grace@accounts.example");
  const link = run("reset", "--public-url", address, "grace@accounts.example");
  await own.goto(link);
  await own.getByLabel("Password", { exact: true }).fill("a third long password");
  await own.getByLabel("Repeat the password").fill("a third long password");
  await own.getByRole("button", { name: "Choose a new password" }).click();
  await own.getByText("role ANALYST, actor Grace Hopper").waitFor();
  await own.getByRole("button", { name: "Sign out" }).click();
  await own.getByText("This server requires an account or an API key.").waitFor();
  assert.match(run("list"), /grace@accounts\.example\s+default\s+analyst\s+active/);
});

test("a server with mail offers a new password, and confirms addresses", limit, async () => {
  const own = "http://127.0.0.1:4713";
  // No mail server listens there: the mail waits in the queue.
  const mail = ["--smtp", "smtp://127.0.0.1:9", "--smtp-tls", "none", "--mail-from", "sales@accounts.example", "--public-url", own];
  const other = ["--database", `sqlite:${join(folder, "mail.db")}`, "serve", "--no-demo", "--listen", "127.0.0.1:4713", ...mail];
  const mailing = spawn(binary, other, { stdio: ["ignore", "pipe", "ignore"] });
  try {
    for await (const line of createInterface(mailing.stdout)) if (line.startsWith("Example query")) break;
    const visitor = await (await browser.newContext()).newPage();
    visitor.on("pageerror", (error) => faults.push(String(error)));
    await visitor.goto(`${own}/sign-in`);
    await visitor.getByRole("link", { name: "Forgot the password?" }).click();
    await visitor.getByRole("heading", { name: "Request a new password" }).waitFor();
    await visitor.getByLabel("E-mail address").fill("ada@accounts.example");
    await visitor.getByRole("button", { name: "Request a new password" }).click();
    await visitor.getByRole("status").filter({ hasText: "Look into your mailbox" }).waitFor();
    await visitor.goto(`${own}/sign-in?#verification=${"x".repeat(43)}`);
    await visitor.getByRole("button", { name: "Confirm the e-mail address" }).click();
    await visitor.getByText("the link is invalid").waitFor();
  } finally {
    mailing.kill("SIGKILL");
  }
  await page.goto(`${address}/sign-in`);
  assert.equal(await page.getByRole("link", { name: "Forgot the password?" }).count(), 0, "this server sends no mail");
});

test("the pages have no script errors", limit, () => assert.deepEqual(faults, []));
test("the server still responds", stillAnswers);

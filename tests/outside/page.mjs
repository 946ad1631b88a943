// The page at / in headless Chromium, with every other host out of reach: it loads, asks, and follows.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import { chromium } from "playwright-core";
import { origin, stillAnswers, writeDraft } from "./server.mjs";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const skip = executablePath ? false : "no Chromium is installed";
const limit = { timeout: 60_000, skip };

const foreign = [];
const faults = [];
let browser;
let page;

test.before(async () => {
  if (skip) return;
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  page = await browser.newPage();
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.origin === origin || url.protocol === "data:" || url.protocol === "blob:") return route.continue();
    foreign.push(url.href);
    return route.abort();
  });
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
});
test.after(() => browser?.close());

/** Opens the tab of this name, and runs what stands in it. */
async function run(tab) {
  await page.locator(".graphiql-tab-button", { hasText: tab }).click();
  // GraphiQL reads a tab a moment after it is shown; until then it sends the operation name of the last one.
  await page.waitForTimeout(1_000);
  await page.getByRole("button", { name: /^Execute query/ }).click();
}
const result = () => page.locator(".result-window");

test("the page loads", limit, async () => {
  await page.goto(origin, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: /^Execute query/ }).waitFor();
});

test("the first example is answered", limit, async () => {
  await run("Companies");
  await result().getByText("totalCount").first().waitFor();
  assert.doesNotMatch(await result().innerText(), /"errors"/);
});

test("the example that subscribes gets a draft that is written meanwhile", limit, async () => {
  await run("NewDrafts");
  await page.getByRole("button", { name: /^Stop query/ }).waitFor();
  // The socket is open a moment after the button changes: a draft is written until one arrives.
  const arrived = result().getByText("for the page").first().waitFor({ timeout: 30_000 });
  const writing = setInterval(() => writeDraft("for the page").catch(() => {}), 500);
  await arrived.finally(() => clearInterval(writing));
  await page.getByRole("button", { name: /^Stop query/ }).click();
});

test("no request to another host", { skip }, () => assert.deepEqual(foreign, []));
test("no error in the console", { skip }, () => assert.deepEqual(faults, []));

test("the server still answers", stillAnswers);

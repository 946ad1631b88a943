// Headless Chromium with all other hosts blocked.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { origin } from "./server.mjs";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Options of a test that needs the browser. */
export const limit = { timeout: 60_000, skip: executablePath ? false : "Chromium is not installed" };

/** Starts the browser with a page; records requests to other hosts, and errors of the page. */
export async function openBrowser() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
  const page = await browser.newPage();
  const foreign = [];
  const faults = [];
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.origin === origin || url.protocol === "data:" || url.protocol === "blob:") return route.continue();
    foreign.push(url.href);
    return route.abort();
  });
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
  return { browser, page, foreign, faults };
}

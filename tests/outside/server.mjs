// The server under test: where it is, and requests without any client in between.

import assert from "node:assert/strict";
import { env } from "node:process";

export const origin = env.SALESGRAPH_URL;
export const endpoint = `${origin}/graphql`;
export const socket = endpoint.replace(/^http/, "ws");

/** Sends a body by POST, as JSON unless the headers say otherwise. */
export async function post(body, headers = {}, patience = 20_000) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json", ...headers },
    body: typeof body === "object" && !ArrayBuffer.isView(body) ? JSON.stringify(body) : body,
    signal: AbortSignal.timeout(patience),
  });
  return answer(response);
}

/** Reads a response; `json` is undefined where it is not JSON. */
export async function answer(response) {
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: the caller sees it in `text`.
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** The data of a query that must succeed. */
export async function data(query, variables) {
  const { json, text, status } = await post({ query, variables });
  assert.ok(json?.data && !json.errors, `status ${status}: ${text.slice(0, 500)}`);
  return json.data;
}

/** What no client may see: the insides of the server, its libraries and its machine. */
const insides = new RegExp([
  /panicked|\.rs\b|sqlx|sea.?orm|async.graphql|serde/, /\bSELECT\b|\bsqlite|postgres/, /^ *--> |\/(home|root|tmp|usr)\//,
].map(({ source }) => source).join("|"), "im");

/** Asserts that there is a list of errors, and that each has a code and a clean text. Gives the codes. */
export function codes(json) {
  assert.ok(Array.isArray(json?.errors) && json.errors.length > 0, `no errors in ${shown(json)}`);
  for (const error of json.errors) {
    assert.equal(typeof error.extensions?.code, "string", `no code in ${shown(error)}`);
    assert.doesNotMatch(error.message, insides);
  }
  return json.errors.map((error) => error.extensions.code);
}

/** A value as it is shown in the reason of a failure. */
export function shown(value) {
  return (JSON.stringify(value) ?? "undefined").slice(0, 300);
}

/** Writes a draft, and gives it. */
export async function writeDraft(content) {
  const query = `mutation Write($content: String!) {
    createOutreachDraft(input: { prospectId: "Prospect:42", draftType: "initial", content: $content }) {
      outreachDraft { id content revision }
      userErrors { code message }
    }
  }`;
  const { createOutreachDraft } = await data(query, { content });
  assert.deepEqual(createOutreachDraft.userErrors, []);
  return createOutreachDraft.outreachDraft;
}

/** The end of the change log: a subscription `after` it misses nothing, however late it begins. */
export async function latest() {
  const { changes } = await data("{ changes(last: 1) { edges { cursor } } }");
  return changes.edges[0].cursor;
}

/** The last test of a suite: whatever was asked of it, the server answers. */
export async function stillAnswers() {
  const { schemaVersion } = await data("{ schemaVersion }");
  assert.equal(schemaVersion, null);
}

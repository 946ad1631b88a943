// The server under test: its URLs and requests sent directly, without a client library.

import assert from "node:assert/strict";
import { env } from "node:process";

export const origin = env.SALESGRAPH_URL;
export const endpoint = `${origin}/graphql`;
export const socket = endpoint.replace(/^http/, "ws");

/** Sends a body by POST, as JSON unless the headers specify another content type. */
export async function post(body, headers = {}, patience = 20_000) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json", ...headers },
    body: typeof body === "object" && !ArrayBuffer.isView(body) ? JSON.stringify(body) : body,
    signal: AbortSignal.timeout(patience),
  });
  return answer(response);
}

/** Reads a response; `json` is undefined if the body is not JSON. */
export async function answer(response) {
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON; the caller can inspect `text`.
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** Returns the data of a query that must succeed. */
export async function data(query, variables) {
  const { json, text, status } = await post({ query, variables });
  assert.ok(json?.data && !json.errors, `status ${status}: ${text.slice(0, 500)}`);
  return json.data;
}

/** Implementation details that must not leak to clients: internals, libraries and file paths. */
const insides = new RegExp([
  /panicked|\.rs\b|sqlx|sea.?orm|async.graphql|serde/, /\bSELECT\b|\bsqlite|postgres/, /^ *--> |\/(home|root|tmp|usr)\//,
].map(({ source }) => source).join("|"), "im");

/** Asserts that the response has errors, each with a code and a message that leaks no details; returns the codes. */
export function codes(json) {
  assert.ok(Array.isArray(json?.errors) && json.errors.length > 0, `no errors in ${shown(json)}`);
  for (const error of json.errors) {
    assert.equal(typeof error.extensions?.code, "string", `no code in ${shown(error)}`);
    assert.doesNotMatch(error.message, insides);
  }
  return json.errors.map((error) => error.extensions.code);
}

/** A value formatted for a failure message. */
export function shown(value) {
  return (JSON.stringify(value) ?? "undefined").slice(0, 300);
}

/** Creates a draft and returns it. */
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

/** The cursor of the latest change log entry. A subscription `after` this cursor misses no later event. */
export async function latest() {
  const { changes } = await data("{ changes(last: 1) { edges { cursor } } }");
  return changes.edges[0].cursor;
}

/** The last test of each suite: the server still responds after all previous requests. */
export async function stillAnswers() {
  const { schemaVersion } = await data("{ schemaVersion }");
  assert.equal(schemaVersion, null);
}

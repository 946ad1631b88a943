// GraphQL over HTTP beyond the audit of graphql-http: rejected requests, request size limits and response headers.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { answer, codes, data, endpoint, origin, post, shown, stillAnswers } from "./server.mjs";

const limit = { timeout: 15_000 };
const typename = { query: "{ __typename }" };
const get = async (query, headers = {}) =>
  answer(await fetch(`${endpoint}?${new URLSearchParams(query)}`, { headers }));
const kind = ({ headers }) => headers.get("content-type")?.split(";")[0];

/** Sends a raw HTTP request; returns what was received, even if the connection breaks. */
function bare(method, { path = "/graphql", headers = {}, body, chunked = false }) {
  return new Promise((resolve, reject) => {
    const sent = request(origin + path, { method, headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (part) => { text += part; });
      const end = () => resolve({ status: response.statusCode, headers: response.headers, text });
      response.on("end", end).on("error", end);
    });
    sent.on("error", reject);
    if (chunked) for (let at = 0; at < body.length; at += 65_536) sent.write(body.slice(at, at + 65_536));
    sent.end(chunked ? undefined : body);
  });
}

/** Sends raw text on a socket; returns the status code of the response. */
function status(text) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    let received = "";
    const sent = connect(Number(port), hostname, () => sent.write(text));
    sent.on("data", (part) => {
      received += part;
      const [, found] = /^HTTP\/1\.1 (\d{3})/.exec(received) ?? [];
      if (found) {
        sent.destroy();
        resolve(Number(found));
      }
    });
    sent.on("error", reject).on("close", () => reject(new Error("connection closed without a response")));
  });
}

for (const [accept, expected] of [
  ["application/graphql-response+json", "application/graphql-response+json"],
  ["application/json", "application/json"],
  ["*/*", "application/json"],
  [undefined, "application/json"],
  ["application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"],
]) {
  test(`Accept: ${accept ?? "omitted"} selects the response media type`, limit, async () => {
    const headers = { "content-type": "application/json", ...(accept && { accept }) };
    const body = JSON.stringify(typename);
    const response = await bare("POST", { headers: { ...headers, "content-length": body.length }, body });
    assert.equal(response.headers["content-type"].split(";")[0], expected);
  });
}

for (const type of ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]) {
  test(`Content-Type: ${type} is accepted`, limit, async () => {
    assert.equal((await post(typename, { "content-type": type })).status, 200);
  });
}

test("a rejected upload is read to the end so that the client receives the response", limit, async () => {
  const upload = () => new Promise((resolve, reject) => {
    const headers = { "content-type": "multipart/form-data; boundary=x", connection: "close" };
    const sent = request(endpoint, { method: "POST", headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject);
    const piece = Buffer.alloc(64 * 1024, "x");
    let pieces = 14;
    const write = () => {
      while (pieces-- > 0) {
        if (!sent.write(piece)) {
          sent.once("drain", write);
          return;
        }
      }
      sent.end();
    };
    write();
  });
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, upload)), Array.from({ length: 20 }, () => 415));
});

for (const type of [
  "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", "",
]) {
  test(`Content-Type: ${type || "(empty)"} returns 415`, limit, async () => {
    const response = await post(new TextEncoder().encode(JSON.stringify(typename)), { "content-type": type });
    assert.equal(response.status, 415);
    assert.deepEqual(codes(response.json), ["UNSUPPORTED_MEDIA_TYPE"]);
  });
}

for (const body of ["", "{", "nonsense", "null", "1", '"text"', "{}", '{"query": 1}', '{"query": null}',
  '{"query": "{ __typename }", "variables": []}', '{"query": "{ __typename }", "operationName": 1}', "\xff"]) {
  test(`an invalid body returns 400: ${body || "(empty)"}`, limit, async () => {
    const response = await post(body, { accept: "application/json" });
    assert.equal(response.status, 400);
    assert.equal(codes(response.json).length, 1);
  });
}

for (const [name, query, code] of [
  ["a syntax error", "{", "GRAPHQL_PARSE_FAILED"],
  ["a validation error", "{ nothingOfThisName }", "GRAPHQL_VALIDATION_FAILED"],
  ["a missing variable", "query ($id: ID!) { prospect(id: $id) { id } }", undefined],
]) {
  test(`${name} returns 400 without data, or 200 as application/json`, limit, async () => {
    const [strict, loose] = [await post({ query }), await post({ query }, { accept: "application/json" })];
    for (const [response, expected] of [[strict, 400], [loose, 200]]) {
      assert.equal(response.status, expected);
      const [found] = codes(response.json);
      if (code) assert.equal(found, code);
    }
    assert.ok(!("data" in strict.json), shown(strict.json));
  });
}

test("GET executes a query without special headers", limit, async () => {
  const query = { query: "query A($id: ID!) { prospect(id: $id) { id } }", variables: '{"id":"Prospect:1"}' };
  for (const accept of ["*/*", "application/json", "application/graphql-response+json"]) {
    const response = await get(query, { accept });
    assert.deepEqual(response.json, { data: { prospect: { id: "Prospect:1" } } }, response.text);
  }
});

test("a mutation by GET returns 405 and is not executed", limit, async () => {
  const query = 'mutation { deleteProspect(input: { id: "Prospect:3" }) { userErrors { code } } }';
  for (const accept of ["*/*", "application/graphql-response+json"]) {
    const response = await get({ query }, { accept });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    assert.deepEqual(codes(response.json), ["METHOD_NOT_ALLOWED"]);
  }
  const { prospect } = await data('{ prospect(id: "Prospect:3") { deletedAt } }');
  assert.equal(prospect.deletedAt, null);
});

for (const method of ["PUT", "DELETE", "PATCH", "TRACE"]) {
  test(`${method} returns 405`, limit, async () => {
    const response = await bare(method, { headers: { "content-type": "application/json" } });
    assert.equal(response.status, 405);
    assert.match(response.headers.allow, /POST/);
  });
}

test("the HTML page is served only at /", limit, async () => {
  const response = await answer(await fetch(`${origin}/`, { headers: { accept: "text/html" } }));
  assert.equal(kind(response), "text/html");
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.ok(response.headers.has("x-frame-options") || policy.includes("frame-ancestors"), "the page can be framed by other sites");
  assert.equal(kind(await get(typename, { accept: "*/*" })), "application/json");
});

for (const encoding of ["gzip", "br"]) {
  test(`responses are compressed with ${encoding}`, limit, async () => {
    const query = "{ prospects(first: 100) { nodes { id fullName email } } }";
    const response = await post({ query }, { "accept-encoding": encoding });
    assert.equal(response.headers.get("content-encoding"), encoding);
    assert.equal(response.json.data.prospects.nodes.length, 100);
  });
}

test("responses disable content sniffing and reveal no server version", limit, async () => {
  for (const { headers } of [await post(typename), await post("{"), await fetch(origin), await fetch(`${origin}/no`)]) {
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.doesNotMatch(`${headers.get("server")} ${headers.get("x-powered-by")}`, /\d/);
  }
});

for (const foreign of ["http://evil.example", "null"]) {
  test(`CORS denies origin ${foreign}`, limit, async () => {
    const headers = { origin: foreign, "content-type": "application/json" };
    const body = JSON.stringify(typename);
    const asked = {
      origin: foreign,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    for (const response of [await bare("POST", { headers, body }), await bare("OPTIONS", { headers: asked })]) {
      const allowed = response.headers["access-control-allow-origin"];
      assert.ok(allowed !== foreign && allowed !== "*", `Access-Control-Allow-Origin is ${allowed}`);
    }
  });
}

const large = JSON.stringify({ query: `{ __typename } # ${"x".repeat(2_000_000)}` });
const json = { "content-type": "application/json" };
for (const [name, options] of Object.entries({
  "with Content-Length": { headers: { ...json, "content-length": large.length } },
  "in chunked encoding": { headers: { ...json, "transfer-encoding": "chunked" }, chunked: true },
})) {
  test(`a 2 MB body ${name} returns 413`, limit, async () => {
    const response = await bare("POST", { ...options, body: large });
    assert.equal(response.status, 413);
    codes(JSON.parse(response.text));
  });
}

test("a gzip-compressed body returns 415 and is not decompressed", limit, async () => {
  for (const body of [JSON.stringify(typename), large]) {
    const response = await post(gzipSync(body), { "content-encoding": "gzip" });
    assert.equal(response.status, 415);
    codes(response.json);
  }
});

test("1 MB of request headers returns 431", limit, async () => {
  assert.equal(await status(`GET /graphql HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(1_000_000)}\r\n\r\n`), 431);
});

test("a 200 kB request URI returns 414", limit, async () => {
  assert.equal(await status(`GET /graphql?query=${"x".repeat(200_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`), 414);
});

const hash = (query) => createHash("sha256").update(query).digest("hex");
const persisted = (sha256Hash) => ({ persistedQuery: { version: 1, sha256Hash } });

test("persisted queries: miss, registration, then hit by POST and GET", limit, async () => {
  const query = "query Persisted { __typename }";
  const extensions = persisted(hash(query));
  const miss = await post({ extensions });
  assert.deepEqual(codes(miss.json), ["PERSISTED_QUERY_NOT_FOUND"]);
  assert.equal(miss.json.errors[0].message, "PersistedQueryNotFound");
  assert.equal((await post({ query, extensions })).json.data.__typename, "Query");
  assert.equal((await post({ extensions })).json.data.__typename, "Query");
  assert.equal((await get({ extensions: JSON.stringify(extensions) })).json.data.__typename, "Query");
});

test("persisted queries: a mismatched hash is rejected and not stored", limit, async () => {
  const extensions = persisted(hash("query Other { __typename }"));
  const { status: refused, json: body } = await post({ ...typename, extensions });
  assert.equal(refused, 400);
  codes(body);
  assert.deepEqual(codes((await post({ extensions })).json), ["PERSISTED_QUERY_NOT_FOUND"]);
});

test("the server still responds", stillAnswers);

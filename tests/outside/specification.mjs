// Conformance to the GraphQL specification: each request is sent to the server and to graphql-js. Both must accept it
// or both reject it, and the response of the server must have the fields that graphql-js would return, in the same
// order.

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import { endpoint, stillAnswers } from "./server.mjs";
import { cases } from "./specification/cases.mjs";
import { deviations } from "./specification/deviations.mjs";
import { echo, request as writing } from "./specification/echo.mjs";
import { random, request } from "./specification/generator.mjs";
import { mutated } from "./specification/mutations.mjs";
import { UnknownType, kind, rejection, replay } from "./specification/oracle.mjs";

const seed = Number(env.SALESGRAPH_SPECIFICATION_SEED ?? 17);
const count = Number(env.SALESGRAPH_SPECIFICATION_REQUESTS ?? 3_600);
const side = 4;

/** The server's verdict on a request: `rejected`, `accepted` with the data, or `limited` if it exceeds a limit. */
async function ask(request, isSubscription) {
  const abort = new AbortController();
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: isSubscription ? "text/event-stream" : "application/graphql-response+json",
    },
    body: JSON.stringify(request),
    signal: AbortSignal.any([abort.signal, AbortSignal.timeout(20_000)]),
  });
  if (isSubscription && response.status === 200) {
    abort.abort();
    return { verdict: "accepted" };
  }
  const json = await response.json();
  const codes = (json.errors ?? []).map((error) => error.extensions?.code);
  assert.ok(response.status < 500 && !codes.includes("INTERNAL"), `status ${response.status}: ${JSON.stringify(json)}`);
  if (response.status === 200) return { verdict: "accepted", data: json.data, json };
  if (codes.some((code) => ["TOO_COMPLEX", "FORBIDDEN"].includes(code))) return { verdict: "limited", json };
  return { verdict: "rejected", json };
}

/** Introspection results with every list sorted, because the specification does not define an order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, sorted(one)]));
}

/** Compares the server with graphql-js; `reason` is set if they disagree about the request. */
async function disagreement(request) {
  const reasons = rejection(request);
  const expected = reasons.length > 0 ? "rejected" : "accepted";
  const isSubscription = expected === "accepted" && kind(request) === "subscription";
  const found = await ask(request, isSubscription);
  if (found.verdict === "limited") return { verdict: "limited" };
  const shown = () => `${JSON.stringify(request)}\n    graphql-js: ${expected} ${reasons[0] ?? ""}` +
    `\n    server: ${found.verdict} ${JSON.stringify(found.json)?.slice(0, 400)}`;
  if (found.verdict !== expected) return { verdict: expected, reason: shown() };
  if (!found.data) return { verdict: expected };
  const { data, errors = [] } = await replay(request, found.data);
  // An object of an abstract type without `__typename` cannot be replayed.
  if (errors.some(({ originalError }) => originalError instanceof UnknownType)) return { verdict: expected };
  const isIntrospection = /__schema|__type\b/.test(request.query);
  const [ours, theirs] = [found.data, data].map((one) => JSON.stringify(isIntrospection ? sorted(one) : one));
  if (ours !== theirs) return { verdict: expected, reason: `${shown()}\n    replayed: ${theirs} ${errors[0] ?? ""}` };
  return { verdict: expected };
}

for (const [rule, requests] of Object.entries(cases)) {
  test(rule, { timeout: 60_000 }, async () => {
    const reasons = [];
    for (const one of requests) {
      const request = typeof one === "string" ? { query: one } : one;
      const { reason } = await disagreement(request);
      if (reason && !deviations.some(({ covers }) => covers(request))) reasons.push(reason);
    }
    if (env.SHOW) for (const reason of reasons) console.log(`RULE ${rule}\n${reason}`);
    assert.deepEqual(reasons, []);
  });
}

test(`${count} generated requests match graphql-js, seed ${seed}`, { timeout: 140_000 }, async (t) => {
  const source = random(seed);
  const requests = [];
  while (requests.length < count) {
    const valid = request(source);
    requests.push(valid, mutated(source, valid), mutated(source, mutated(source, valid)));
  }
  const verdicts = { accepted: 0, rejected: 0, limited: 0 };
  const reasons = [];
  const queue = requests.slice(0, count);
  await Promise.all(Array.from({ length: side }, async () => {
    for (let one = queue.pop(); one; one = queue.pop()) {
      const { verdict, reason } = await disagreement(one);
      verdicts[verdict] += 1;
      if (reason && !deviations.some(({ covers }) => covers(one))) reasons.push(reason);
    }
  }));
  t.diagnostic(`accepted ${verdicts.accepted}, rejected ${verdicts.rejected}, over a limit ${verdicts.limited}`);
  if (env.SHOW) for (const reason of reasons) console.log(reason);
  assert.deepEqual(reasons.slice(0, 5), [], `${reasons.length} disagreements`);
  // If nearly all requests were rejected or too large, the comparison would be meaningless.
  assert.ok(verdicts.accepted > count / 4 && verdicts.rejected > count / 4 && verdicts.limited < count / 20);
});

test("coerced values match graphql-js", { timeout: 60_000 }, async () => {
  const source = random(seed);
  for (let n = 0; n < 300; n++) {
    const request = writing(source);
    const [{ data: ours, json }, { data: theirs, errors }] = [await ask(request, false), await echo(request)];
    assert.deepEqual(errors, undefined, `${errors?.[0]} in ${request.query}`);
    assert.deepEqual(ours, JSON.parse(JSON.stringify(theirs)), `${request.query} ${JSON.stringify(request.variables)} ${JSON.stringify(json)}`);
  }
});

test("the server still responds", stillAnswers);

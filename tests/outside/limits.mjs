// Hostile documents: each is rejected quickly, with coded errors and without data. The server runs with low limits
// (see `run`), so small documents exceed them and would be cheap to execute even if a limit failed.

import assert from "node:assert/strict";
import test from "node:test";
import { codes, data, post, shown, stillAnswers } from "./server.mjs";

/** Maximum rejection time in milliseconds, and the number of measurements. */
const longest = Number(process.env.SALESGRAPH_REFUSED_WITHIN ?? 100);
const times = 5;

const repeat = (count, one) => Array.from({ length: count }, (_, n) => one(n)).join(" ");
const nested = (count, open, close, core = "") => open.repeat(count) + core + close.repeat(count);

/** Fragments F0, F1, …, each of which spreads the next one `width` times, in a nested field or at the same level. */
function chain(steps, width, spread, operation = "{ prospect(id: 1) { ...F0 } }") {
  const fragments = repeat(steps, (n) => `fragment F${n} on Prospect { ${repeat(width, (k) => spread(n + 1, k))} }`);
  return `${operation} ${fragments} fragment F${steps} on Prospect { id }`;
}
const beside = (n) => `...F${n}`;
const below = (n, k) => `f${k}: mergedInto { ...F${n} }`;

const page = (field, inner) => `${field}(first: 100) { nodes { ${inner} } }`;

const documents = {
  "201 field depth": nested(201, "{a", "}"),
  "201 unclosed field depth": "{a".repeat(201),
  "201 levels of inline fragments": nested(201, "{...", "}", "{a}"),
  "201 levels of lists": `{ prospect(id: ${nested(201, "[", "]")}) { id } }`,
  "201 levels of objects": `{ prospect(id: ${nested(201, "{a:", "}", "1")}) { id } }`,
  "201 levels of lists in a variable type": `query ($a: ${nested(201, "[", "]", "Int")}) { __typename }`,
  "401 tokens": `{ ${repeat(401, () => "id")} }`,
  "401 tokens of punctuation": `{ prospect(id: [${repeat(401, () => "1")}]) { id } }`,
  "21 aliases at the root": `{ ${repeat(21, (n) => `a${n}: prospect(id: ${n}) { id }`)} }`,
  "21 nested aliases": `{ prospect(id: 1) { ${repeat(21, (n) => `a${n}: company { id }`)} } }`,
  "21 aliases in fragments":
    `{ ${repeat(21, (n) => `...F${n}`)} } ${repeat(21, (n) => `fragment F${n} on Query { a${n}: __typename }`)}`,
  "11 repetitions of one directive": `{ __typename ${repeat(11, () => "@skip(if: false)")} }`,
  "11 unknown directives": `{ __typename ${repeat(11, (n) => `@d${n}`)} }`,
  "21 operations": repeat(21, (n) => `query Q${n} { __typename }`),
  "a name of 41 characters": `{ ${"n".repeat(41)} }`,
  "a string of 2,001 bytes": `{ prospect(id: "${"1".repeat(1999)}") { id } }`,
  "nested pages of 100": `{ ${page("companies", page("prospects", "id"))} }`,
  "nested pages of 100 in a fragment": `{ ...F } fragment F on Query { ${page("companies", page("prospects", "id"))} }`,
  "nested pages of 100 in an inline fragment": `{ ... on Query { ${page("companies", page("prospects", "id"))} } }`,
  "ten pages of 100": `{ ${repeat(10, (n) => `a${n}: ${page("companies", repeat(10, (k) => `b${n}_${k}: id`))}`)} }`,
  "nested pages with `last: 100`": `{ ${page("companies", page("prospects", "id")).replaceAll("first", "last")} }`,
  "deep introspection": `{ __schema { types ${nested(4, "{ fields { type ", "} }", "{ fields { name } }")} } }`,
  "wide introspection": `{ ${repeat(9, (n) => `a${n}: __schema { types { fields { args { type { name } } } } }`)} }`,
  "6 fragments that each spread the next one twice": chain(6, 2, beside),
  "6 fragments that each spread the next one in two nested fields": chain(6, 2, below),
  "2 fragments that each spread the next one 8 times": chain(2, 8, beside),
  "2 fragments that each spread the next one in 8 nested fields": chain(2, 8, below),
  "6 doubling fragments that no operation uses": chain(6, 2, below, "{ __typename }"),
  "a fragment that spreads itself": "{ ...F } fragment F on Query { ...F }",
  "two fragments that spread each other": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
  "two fragments that spread each other in a nested field":
    "{ prospect(id: 1) { ...F } } fragment F on Prospect { company { ...G } } " +
    "fragment G on Company { prospects { nodes { ...F } } }",
  "a fragment cycle that no operation uses": "{ __typename } fragment F on Query { ...G } fragment G on Query { ...F }",
};

const number = { query: `query ($n: Int) { ${page("companies", page("prospects", "id")).replaceAll("100", "$n")} }` };
const bodies = {
  "nested pages of 100, size from a variable": { ...number, variables: { n: 100 } },
  "nested pages of 100, size from a variable's default value": { query: number.query.replace("Int", "Int = 100") },
  "a batch of 11 requests": Array.from({ length: 11 }, () => ({ query: "{ __typename }" })),
  "an empty batch": [],
  "a nested batch": [[{ query: "{ __typename }" }]],
  "201 levels in the variables": `{"query": "{ __typename }", "variables": {"a": ${nested(201, "[", "]")}}}`,
  "201 levels of arrays instead of a request": nested(201, "[", "]"),
  ...Object.fromEntries(Object.entries(documents).map(([name, query]) => [name, { query }])),
};

for (const [name, body] of Object.entries(bodies)) {
  test(name, { timeout: 60_000 }, async (t) => {
    const taken = [];
    let codeOf;
    for (let round = 0; round < times; round++) {
      const start = performance.now();
      const { status, json, text } = await post(body, {}, 2_000);
      taken.push(performance.now() - start);
      const known = shown(json ?? text);
      assert.ok(status >= 400 && status < 500, `status ${status}: ${known}`);
      [codeOf] = codes(json);
      assert.equal(json.data ?? undefined, undefined, `data in ${known}`);
    }
    const median = taken.sort((a, b) => a - b)[Math.floor(times / 2)];
    t.diagnostic(`${median.toFixed(1).padStart(7)} ms  ${name}: ${codeOf}`);
    assert.ok(median <= longest, `rejected after ${median.toFixed(1)} ms, more than the limit`);
  });
}

for (const query of [
  "{ prospects(first: -1) { nodes { id } } }",
  "{ prospects(first: 101) { nodes { id } } }",
  "{ prospects(first: 1, last: 1) { nodes { id } } }",
  "{ companies(first: 1) { nodes { prospects(last: -1) { nodes { id } } } } }",
]) {
  // An invalid page size may be rejected before execution (400) or by the field (200, and the field is null).
  test(`an invalid page size is rejected: ${query}`, { timeout: 10_000 }, async () => {
    const { status, json } = await post({ query });
    assert.ok(status === 400 || status === 200, `status ${status}`);
    assert.deepEqual(codes(json), ["INVALID"]);
    assert.equal(json.data ?? null, null);
    assert.match(json.errors[0].message, /first|last/);
  });
}

test("a batch of 10 returns results in request order", { timeout: 10_000 }, async () => {
  const { status, json } = await post(
    Array.from({ length: 10 }, (_, n) => ({ query: `{ a${n}: __typename }` })),
    { accept: "application/json" },
  );
  assert.equal(status, 200);
  assert.deepEqual(json, Array.from({ length: 10 }, (_, n) => ({ data: { [`a${n}`]: "Query" } })));
});

test("brackets, words and commas in strings and comments do not count toward limits", { timeout: 10_000 }, async () => {
  const noise = "{[(".repeat(100) + " a: b,".repeat(100);
  const query = `# ${noise}\n{ prospects(filter: { fullName: { eq: "${noise.slice(0, 200)}" } }) { totalCount } }`;
  assert.equal((await data(query)).prospects.totalCount, 0);
});

test("the server still responds", stillAnswers);

// Hostile documents: each is refused with errors that have a code, without data, and quickly.

import assert from "node:assert/strict";
import test from "node:test";
import { codes, data, post, shown, stillAnswers } from "./server.mjs";

/** How long a refusal may take, in milliseconds, and how often it is measured. */
const longest = Number(process.env.SALESGRAPH_REFUSED_WITHIN ?? 100);
const times = 5;

const repeat = (count, one) => Array.from({ length: count }, (_, n) => one(n)).join(" ");
const nested = (count, open, close, core = "") => open.repeat(count) + core + close.repeat(count);

/** Fragments F0, F1, … of which each spreads the next `width` times, below a field of its own or beside it. */
function chain(steps, width, spread, operation = "{ prospect(id: 1) { ...F0 } }") {
  const fragments = repeat(steps, (n) => `fragment F${n} on Prospect { ${repeat(width, (k) => spread(n + 1, k))} }`);
  return `${operation} ${fragments} fragment F${steps} on Prospect { id }`;
}
const beside = (n) => `...F${n}`;
const below = (n, k) => `f${k}: mergedInto { ...F${n} }`;

const page = (field, inner) => `${field}(first: 100) { nodes { ${inner} } }`;
const bomb = page("companies", page("prospects", page("interactions", "id")));

const documents = {
  "50,000 levels of fields": nested(50_000, "{a", "}"),
  "50,000 levels that are never closed": "{a".repeat(50_000),
  "50,000 levels of inline fragments": nested(50_000, "{...", "}", "{a}"),
  "50,000 levels of lists": `{ prospect(id: ${nested(50_000, "[", "]")}) { id } }`,
  "50,000 levels of objects": `{ prospect(id: ${nested(50_000, "{a:", "}", "1")}) { id } }`,
  "50,000 levels in the type of a variable": `query ($a: ${nested(50_000, "[", "]", "Int")}) { __typename }`,
  "100,000 tokens": `{ ${repeat(100_000, () => "id")} }`,
  "100,000 tokens of punctuation": `{ prospect(id: [${repeat(100_000, () => "1")}]) { id } }`,
  "1,000 aliases at the root": `{ ${repeat(1000, (n) => `a${n}: prospect(id: ${n}) { id }`)} }`,
  "1,000 aliases below": `{ prospect(id: 1) { ${repeat(1000, (n) => `a${n}: company { id }`)} } }`,
  "1,000 aliases in fragments":
    `{ ${repeat(1000, (n) => `...F${n}`)} } ${repeat(1000, (n) => `fragment F${n} on Query { a${n}: __typename }`)}`,
  "1,000 directives of one kind": `{ __typename ${repeat(1000, () => "@skip(if: false)")} }`,
  "1,000 unknown directives": `{ __typename ${repeat(1000, (n) => `@d${n}`)} }`,
  "1,000 operations": repeat(1000, (n) => `query Q${n} { __typename }`),
  "three pages of 100 in each other": `{ ${bomb} }`,
  "the same in a fragment": `{ ...F } fragment F on Query { ${bomb} }`,
  "the same in an inline fragment": `{ ... on Query { ${bomb} } }`,
  "ten pages of 100 with pages of 100":
    `{ ${repeat(10, (n) => `a${n}: ${page("companies", page("prospects", "id"))}`)} }`,
  "`last: 100` in each other": `{ ${bomb.replaceAll("first", "last")} }`,
  "deep introspection": `{ __schema { types ${nested(12, "{ fields { type ", "} }", "{ fields { name } }")} } }`,
  "wide introspection": `{ ${repeat(100, (n) => `a${n}: __schema { types { fields { args { type { name } } } } }`)} }`,
  // At the end, because a server that opens them does nothing else from then on.
  "25 fragments, each spreads the next twice": chain(25, 2, beside),
  "25 fragments, each spreads the next below two fields": chain(25, 2, below),
  "10 fragments, each spreads the next 8 times": chain(10, 8, beside),
  "10 fragments, each spreads the next below 8 fields": chain(10, 8, below),
  "25 doubling fragments that no operation spreads": chain(25, 2, below, "{ __typename }"),
  "a fragment that spreads itself": "{ ...F } fragment F on Query { ...F }",
  "two fragments that spread each other": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
  "two fragments that spread each other below a field":
    "{ prospect(id: 1) { ...F } } fragment F on Prospect { company { ...G } } " +
    "fragment G on Company { prospects { nodes { ...F } } }",
  "a cycle that no operation spreads": "{ __typename } fragment F on Query { ...G } fragment G on Query { ...F }",
};

const number = { query: `query ($n: Int) { ${bomb.replaceAll("100", "$n")} }` };
const bodies = {
  "three pages of 100 by a variable": { ...number, variables: { n: 100 } },
  "three pages of 100 by the default of a variable": { query: number.query.replace("Int", "Int = 100") },
  "a batch of 11": Array.from({ length: 11 }, () => ({ query: "{ __typename }" })),
  "a batch of nothing": [],
  "a batch in a batch": [[{ query: "{ __typename }" }]],
  "50,000 levels in the variables": `{"query": "{ __typename }", "variables": {"a": ${nested(50_000, "[", "]")}}}`,
  "50,000 levels instead of a request": nested(50_000, "[", "]"),
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
    assert.ok(median <= longest, `refused after ${median.toFixed(1)} ms`);
  });
}

for (const query of [
  "{ prospects(first: -1) { nodes { id } } }",
  "{ prospects(first: 101) { nodes { id } } }",
  "{ prospects(first: 1, last: 1) { nodes { id } } }",
  "{ companies(first: 1) { nodes { prospects(last: -1) { nodes { id } } } } }",
]) {
  // Such a page may be seen before anything runs (400) or by its field (200, and the field is null).
  test(`no page: ${query}`, { timeout: 10_000 }, async () => {
    const { status, json } = await post({ query });
    assert.ok(status === 400 || status === 200, `status ${status}`);
    assert.deepEqual(codes(json), ["INVALID"]);
    assert.equal(json.data ?? null, null);
    assert.match(json.errors[0].message, /first|last/);
  });
}

test("a batch of 10 is answered in its order", { timeout: 10_000 }, async () => {
  const { status, json } = await post(
    Array.from({ length: 10 }, (_, n) => ({ query: `{ a${n}: __typename }` })),
    { accept: "application/json" },
  );
  assert.equal(status, 200);
  assert.deepEqual(json, Array.from({ length: 10 }, (_, n) => ({ data: { [`a${n}`]: "Query" } })));
});

test("brackets, words and commas in texts and comments do not count", { timeout: 10_000 }, async () => {
  const noise = "{[(".repeat(500) + " a: b,".repeat(2000);
  const query = `# ${noise}\n{ prospects(filter: { fullName: { eq: "${noise.slice(0, 200)}" } }) { totalCount } }`;
  assert.equal((await data(query)).prospects.totalCount, 0);
});

test("the server still answers", stillAnswers);

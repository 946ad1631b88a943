// Hostile documents: each is refused with errors that have a code, without data, and quickly. The limits of the server
// are low (see `run`), so that no document would be a burden without them.

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

const documents = {
  "201 levels of fields": nested(201, "{a", "}"),
  "201 levels that are never closed": "{a".repeat(201),
  "201 levels of inline fragments": nested(201, "{...", "}", "{a}"),
  "201 levels of lists": `{ prospect(id: ${nested(201, "[", "]")}) { id } }`,
  "201 levels of objects": `{ prospect(id: ${nested(201, "{a:", "}", "1")}) { id } }`,
  "201 levels in the type of a variable": `query ($a: ${nested(201, "[", "]", "Int")}) { __typename }`,
  "401 tokens": `{ ${repeat(401, () => "id")} }`,
  "401 tokens of punctuation": `{ prospect(id: [${repeat(401, () => "1")}]) { id } }`,
  "21 aliases at the root": `{ ${repeat(21, (n) => `a${n}: prospect(id: ${n}) { id }`)} }`,
  "21 aliases below": `{ prospect(id: 1) { ${repeat(21, (n) => `a${n}: company { id }`)} } }`,
  "21 aliases in fragments":
    `{ ${repeat(21, (n) => `...F${n}`)} } ${repeat(21, (n) => `fragment F${n} on Query { a${n}: __typename }`)}`,
  "11 directives of one kind": `{ __typename ${repeat(11, () => "@skip(if: false)")} }`,
  "11 unknown directives": `{ __typename ${repeat(11, (n) => `@d${n}`)} }`,
  "21 operations": repeat(21, (n) => `query Q${n} { __typename }`),
  "a name of 41 letters": `{ ${"n".repeat(41)} }`,
  "a string of 2,001 bytes": `{ prospect(id: "${"1".repeat(1999)}") { id } }`,
  "pages of 100 in each other": `{ ${page("companies", page("prospects", "id"))} }`,
  "the same in a fragment": `{ ...F } fragment F on Query { ${page("companies", page("prospects", "id"))} }`,
  "the same in an inline fragment": `{ ... on Query { ${page("companies", page("prospects", "id"))} } }`,
  "ten pages of 100": `{ ${repeat(10, (n) => `a${n}: ${page("companies", repeat(10, (k) => `b${n}_${k}: id`))}`)} }`,
  "`last: 100` in each other": `{ ${page("companies", page("prospects", "id")).replaceAll("first", "last")} }`,
  "deep introspection": `{ __schema { types ${nested(4, "{ fields { type ", "} }", "{ fields { name } }")} } }`,
  "wide introspection": `{ ${repeat(9, (n) => `a${n}: __schema { types { fields { args { type { name } } } } }`)} }`,
  "6 fragments, each spreads the next twice": chain(6, 2, beside),
  "6 fragments, each spreads the next below two fields": chain(6, 2, below),
  "2 fragments, each spreads the next 8 times": chain(2, 8, beside),
  "2 fragments, each spreads the next below 8 fields": chain(2, 8, below),
  "6 doubling fragments that no operation spreads": chain(6, 2, below, "{ __typename }"),
  "a fragment that spreads itself": "{ ...F } fragment F on Query { ...F }",
  "two fragments that spread each other": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
  "two fragments that spread each other below a field":
    "{ prospect(id: 1) { ...F } } fragment F on Prospect { company { ...G } } " +
    "fragment G on Company { prospects { nodes { ...F } } }",
  "a cycle that no operation spreads": "{ __typename } fragment F on Query { ...G } fragment G on Query { ...F }",
};

const number = { query: `query ($n: Int) { ${page("companies", page("prospects", "id")).replaceAll("100", "$n")} }` };
const bodies = {
  "pages of 100 by a variable": { ...number, variables: { n: 100 } },
  "pages of 100 by the default of a variable": { query: number.query.replace("Int", "Int = 100") },
  "a batch of 11": Array.from({ length: 11 }, () => ({ query: "{ __typename }" })),
  "a batch of nothing": [],
  "a batch in a batch": [[{ query: "{ __typename }" }]],
  "201 levels in the variables": `{"query": "{ __typename }", "variables": {"a": ${nested(201, "[", "]")}}}`,
  "201 levels instead of a request": nested(201, "[", "]"),
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
  const noise = "{[(".repeat(100) + " a: b,".repeat(100);
  const query = `# ${noise}\n{ prospects(filter: { fullName: { eq: "${noise.slice(0, 200)}" } }) { totalCount } }`;
  assert.equal((await data(query)).prospects.totalCount, 0);
});

test("the server still answers", stillAnswers);

// Edge-case values that the schema cannot exclude: each is handled correctly or rejected with an error code.

import assert from "node:assert/strict";
import test from "node:test";
import { codes, data, post, shown, stillAnswers } from "./server.mjs";

const limit = { timeout: 15_000 };

/** Asserts that there is no internal error and no error without a code; returns the response. */
async function clean(query, variables) {
  const { status, json, text } = await post({ query, variables });
  assert.ok(status < 500, `status ${status} for ${shown(variables)}: ${text.slice(0, 300)}`);
  assert.ok(json, text.slice(0, 300));
  if (json.errors) {
    assert.ok(!codes(json).includes("INTERNAL"), `${shown(variables)}: ${shown(json)}`);
  }
  return json;
}

const createIndustry = `mutation ($name: String!) {
  createIndustry(input: { name: $name }) { industry { id name } userErrors { code message } }
}`;

const nul = "a\u0000b";
for (const [name, query, variables] of [
  ["a filter", "query ($s: String!) { prospects(filter: { fullName: { contains: $s } }) { totalCount } }", { s: nul }],
  ["a filter literal", '{ prospects(filter: { fullName: { eq: "a\\u0000b" } }) { totalCount } }'],
  ["an id", "query ($s: ID!) { prospect(id: $s) { id } }", { s: nul }],
  ["a cursor", "query ($s: String!) { prospects(after: $s) { nodes { id } } }", { s: nul }],
]) {
  test(`NUL in ${name} is rejected or matches nothing`, limit, async () => {
    const json = await clean(query, variables);
    assert.ok(json.errors ?? json.data.prospect === null, shown(json));
  });
}

for (const [name, query, variables] of [
  ["a string", createIndustry, { name: nul }],
  ["JSON", `mutation ($value: JSON) {
    createOutreachDraft(input: { prospectId: 1, draftType: "initial", content: "x", metadata: $value }) {
      outreachDraft { id } userErrors { code }
    }
  }`, { value: { deep: [nul] } }],
]) {
  test(`NUL in ${name} input is rejected`, limit, async () => {
    const { errors, data: done } = await clean(query, variables);
    if (errors) return;
    const [{ userErrors }] = Object.values(done);
    assert.ok(userErrors.length > 0 && userErrors.every(({ code }) => code === "INVALID"), shown(done));
  });
}

for (const [name, letter] of Object.entries({ letters: "x", umlauts: "ä", emoji: "🦀" })) {
  test(`255 ${name} are accepted, 256 are rejected`, limit, async () => {
    const { createIndustry: taken } = await data(createIndustry, { name: letter.repeat(255) });
    assert.deepEqual(taken.userErrors, []);
    assert.equal(taken.industry.name, letter.repeat(255));
    const { errors, data: done } = await clean(createIndustry, { name: letter.repeat(256) });
    assert.ok(errors ?? done.createIndustry.userErrors[0].code === "INVALID", shown(done));
  });
}

const people = `query ($after: String) {
  prospects(first: 2, after: $after) { edges { cursor node { id } } pageInfo { endCursor } }
}`;

async function refused(after) {
  const json = await clean(people, { after });
  assert.deepEqual(json.errors && codes(json), ["BAD_CURSOR"], `${shown(after)}: ${shown(json)}`);
}

test("malformed cursors are rejected", limit, async () => {
  for (const cursor of ["", "x", "1", "-1", "null", "e30=", "bm9uc2Vuc2U", "🦀", "%00", "x".repeat(10_000)]) {
    await refused(cursor);
  }
});

test("truncated and extended cursors are rejected", limit, async () => {
  const { prospects } = await data(people);
  const cursor = prospects.pageInfo.endCursor;
  for (let length = 1; length < cursor.length; length++) await refused(cursor.slice(0, length));
  for (const more of ["x", "=", " ", "AAAA"]) await refused(cursor + more);
});

test("cursors with any character changed are rejected", limit, async () => {
  const { prospects } = await data(people);
  const cursor = prospects.pageInfo.endCursor;
  for (let at = 0; at < cursor.length; at++) {
    await refused(cursor.slice(0, at) + (cursor[at] === "A" ? "B" : "A") + cursor.slice(at + 1));
  }
});

test("cursors of another list are rejected", limit, async () => {
  const { companies, prospects } = await data(`{
    companies(first: 1) { pageInfo { endCursor } }
    prospects(first: 1, orderBy: [{ fullName: ASC }]) { pageInfo { endCursor } }
  }`);
  await refused(companies.pageInfo.endCursor);
  await refused(prospects.pageInfo.endCursor);
});

test("a page after the last row is empty", limit, async () => {
  const { prospects } = await data("{ prospects(last: 1) { pageInfo { endCursor } } }");
  const after = prospects.pageInfo.endCursor;
  const { prospects: past } = await data(people, { after });
  assert.deepEqual(past.edges, []);
});

const ids = ["", " ", "x", "Prospect", "Prospect:", "Prospect:x", "Prospect:-1", "Prospect:0", "Prospect:1.5",
  "Prospect:1 ", "Prospect:9223372036854775807", "Prospect:9223372036854775808", "Prospect:99999999999999999999999",
  "prospect:1", "Nonsense:1", ":", ":1", "Company:1", "Prospect:1:2", "Prospect:1' OR '1'='1", "../../etc/passwd", "🦀:1",
  "x".repeat(10_000)];
for (const [name, query, value] of [
  ["prospect(id:)", "query ($id: ID!) { prospect(id: $id) { id } }", ({ prospect }) => prospect],
  ["nodes(ids:)", "query ($id: ID!) { nodes(ids: [$id]) { id } }", ({ nodes }) => nodes[0]],
  ["node(id:)", "query ($id: ID!) { node(id: $id) { id } }", ({ node }) => node],
]) {
  test(`unknown IDs return null or an error: ${name}`, limit, async () => {
    for (const id of ids.filter((id) => name === "prospect(id:)" || id !== "Company:1")) {
      const json = await clean(query, { id });
      if (!json.errors) assert.equal(value(json.data), null, `${shown(id)}: ${shown(json)}`);
    }
  });
}

test("unknown IDs in a filter or mutation cause no internal error", limit, async () => {
  for (const id of ids) {
    await clean("query ($id: ID!) { prospects(filter: { companyId: { eq: $id } }) { totalCount } }", { id });
    const { errors, data: done } = await clean(
      "mutation ($id: ID!) { updateProspect(input: { id: $id, patch: {} }) { prospect { id } userErrors { code } } }",
      { id },
    );
    if (!errors) assert.ok(done.updateProspect.userErrors.length > 0, `${shown(id)}: ${shown(done)}`);
  }
});

test("`%`, `_` and `\\` in filters match literally", limit, async () => {
  for (const name of ["percent 5% x", "under_score", "back\\slash", "percent 55 x", "underXscore"]) {
    await data(createIndustry, { name });
  }
  const count = "query ($s: String!) { industries(filter: { name: { contains: $s } }) { nodes { name } } }";
  for (const [part, name] of [["5%", "percent 5% x"], ["r_s", "under_score"], ["k\\s", "back\\slash"]]) {
    const { industries } = await data(count, { s: part });
    assert.deepEqual(industries.nodes.map((one) => one.name), [name]);
  }
});

for (const first of [2 ** 31, -(2 ** 31) - 1, 1e20, 1.5, "1", true, [1], {}]) {
  test(`first: ${shown(first)} is rejected`, limit, async () => {
    const json = await clean("query ($n: Int) { prospects(first: $n) { totalCount } }", { n: first });
    assert.ok(json.errors || (Array.isArray(first) && json.data), shown(json));
  });
}

test("the server still responds", stillAnswers);

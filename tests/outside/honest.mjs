// Legitimate requests that no limit may reject.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  buildClientSchema, buildSchema, getIntrospectionQuery, getNamedType, getNullableType, isListType, isObjectType,
  isRequiredArgument,
  lexicographicSortSchema, parse, printSchema, validate,
} from "graphql";
import { data, stillAnswers } from "./server.mjs";
import { operations } from "./readme.mjs";

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

/** A query for a company and everything reachable from it, breadth-first, with `count` fields. */
function large(count) {
  const root = { name: "companies(first: 1)", type: schema.getType("CompanyConnection"), below: [] };
  const level = [root];
  for (const parent of level) {
    const paged = parent.type.getFields().nodes !== undefined;
    for (const { name, type, args } of Object.values(parent.type.getFields())) {
      const named = getNamedType(type);
      // Lists are read through `nodes`, together with the pagination fields.
      // Fields with required arguments need values that fit, for example the keys of groups.
      if (count === 0 || (paged && name === "edges") || name === "changes" || args.some(isRequiredArgument)) continue;
      // Nested references to rows of the same type would exceed the limit of to-one relations.
      if (named === parent.type) continue;
      // A list without pages counts ten times, whatever its length.
      if (name !== "nodes" && isListType(getNullableType(type))) continue;
      const isPaged = args.some((arg) => arg.name === "first");
      const child = { name: isPaged ? `${name}(first: 1)` : name, type: named, below: [] };
      parent.below.push(child);
      count -= 1;
      if (isObjectType(named)) level.push(child);
    }
  }
  const write = ({ name, type, below }) => {
    if (!isObjectType(type)) return name;
    return `${name} { ${below.length > 0 ? below.map(write).join(" ") : "__typename"} }`;
  };
  return `{ ${write(root)} }`;
}

function honest(name, query, look) {
  test(name, { timeout: 20_000 }, async (t) => {
    assert.deepEqual(validate(schema, parse(query)), [], "the test document is invalid");
    const start = performance.now();
    const answer = await data(query);
    const taken = performance.now() - start;
    t.diagnostic(`${taken.toFixed(0).padStart(7)} ms  ${name}`);
    assert.ok(taken < 10_000, `the response took ${taken.toFixed(0)} ms`);
    look?.(answer);
  });
}

honest("a Relay application, 14 levels deep", `
  query App {                                          # level
    node(id: "Company:1") {                            #  1
      id ... on Company { name ...People }
    }
  }
  fragment People on Company {
    prospects(first: 5) {                              #  2
      pageInfo { hasNextPage endCursor }
      edges {                                          #  3
        cursor
        node {                                         #  4
          __typename id fullName
          company {                                    #  5
            id name
            industry {                                 #  6
              id name
              companies(first: 5) {                    #  7
                edges {                                #  8
                  node { id name ...Again }            #  9
  } } } } } } } }
  fragment Again on Company {
    prospects(first: 2) {                              # 10
      edges {                                          # 11
        cursor
        node {                                         # 12
          id company { id }                            # 13, 14
  } } } }`, ({ node }) => assert.ok(node.prospects.edges.length > 0));

honest("100 rows with nested objects", `{
  prospects(first: 100) { edges { cursor node { id fullName email company { id name industry { id name } } } } }
}`, ({ prospects }) => assert.equal(prospects.edges.length, 100));

const aliases = Array.from({ length: 10 }, (_, n) =>
  `a${n}: prospects(first: 10, orderBy: [{ fullName: ASC }]) { nodes { id company { name } } }`);
honest("10 aliases", `{ ${aliases.join(" ")} }`, (answer) => assert.equal(Object.keys(answer).length, 10));

honest("three nested lists of 10", `{
  companies(first: 10) { totalCount nodes { id prospects(first: 10) { totalCount nodes {
    id interactions(first: 10) { totalCount nodes { id subject } } } } } }
}`, ({ companies }) => assert.equal(companies.nodes.length, 10));

const fields = "id fullName email linkedinUrl location lastContactedAt lifecycleStage isActive revision createdAt " +
  "company { id name size website industry { id name revision createdAt } revision createdAt updatedAt }";
const components = Array.from({ length: 40 }, (_, n) => n);
honest("40 application components, each with its own fragment",
  `query { prospects(first: 10) { nodes { ${components.map((n) => `...C${n}`).join(" ")} } } }
  ${components.map((n) => `fragment C${n} on Prospect { ${fields} }`).join("\n")}`,
  ({ prospects }) => assert.equal(Object.keys(prospects.nodes[0]).length, 11));

honest("5,000 distinct fields", large(5_000), ({ companies }) => assert.equal(companies.nodes.length, 1));

for (const { name, source } of operations.filter(({ kind }) => kind === "query")) {
  honest(`README: ${name}`, source);
}

test("introspection works with standard tools and matches schema.graphql", { timeout: 20_000 }, async () => {
  const full = { specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true, oneOf: true };
  buildClientSchema(await data(getIntrospectionQuery()));
  const served = buildClientSchema(await data(getIntrospectionQuery(full)));
  const [said, written] = [served, schema].map((one) => printSchema(lexicographicSortSchema(one)).split("\n"));
  const different = said.filter((line, n) => line !== written[n]);
  assert.ok(said.join() === written.join(), `the served schema differs from schema.graphql, first at: ${different[0]}`);
});

test("the server still responds", stillAnswers);

// Breaking changes of schema.graphql since the previous revision, listed by graphql-js. Each revision with breaking
// changes must also change docs/UPGRADING.md.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { buildSchema, findBreakingChanges, findDangerousChanges } from "graphql";

const read = (name) => readFileSync(name, "utf8");
const skip = existsSync("schema.before.graphql") ? false : "there is no previous schema to compare with";

test("breaking changes of the schema are described in docs/UPGRADING.md", { skip }, () => {
  const [before, now] = ["schema.before.graphql", "schema.graphql"].map((name) => buildSchema(read(name)));
  const breaking = findBreakingChanges(before, now);
  const dangerous = findDangerousChanges(before, now);
  console.log(`schema: ${breaking.length} breaking and ${dangerous.length} dangerous changes since the previous revision`);
  for (const { description } of breaking.slice(0, 30)) console.log(`  breaking: ${description}`);
  const isDescribed = read("UPGRADING.md") !== read("UPGRADING.before.md");
  assert.ok(breaking.length === 0 || isDescribed, "describe the breaking changes in docs/UPGRADING.md");
});

test("the comparison detects removals and new required arguments", () => {
  const before = buildSchema("type Query { a: Int b(x: Int): Int }");
  const now = buildSchema("type Query { b(x: Int, y: Int!): Int }");
  assert.deepEqual(findBreakingChanges(before, now).map(({ type }) => type).sort(), ["FIELD_REMOVED", "REQUIRED_ARG_ADDED"]);
});

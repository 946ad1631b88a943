// GraphQL Code Generator on schema.graphql and the operations in README.md; TypeScript checks the generated code.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import { generate } from "@graphql-codegen/cli";
import { operations } from "./readme.mjs";

const folder = "codegen";

test("README.md contains operations", () => assert.ok(operations.length >= 5));

test("graphql-codegen generates types", { timeout: 60_000 }, async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/readme.graphql`, operations.map(({ source }) => source).join("\n"));
  const strict = { scalars: { DateTime: "string", JSON: "unknown" }, strictScalars: true, useTypeImports: true };
  await generate({
    schema: "schema.graphql",
    documents: `${folder}/readme.graphql`,
    silent: true,
    generates: {
      [`${folder}/schema.ts`]: { plugins: ["typescript"], config: strict },
      [`${folder}/operations.ts`]: { plugins: ["typescript-operations", "typed-document-node"], config: strict },
    },
  });
});

test("generated types compile with tsc --strict --noEmit", { timeout: 60_000 }, async () => {
  const options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"];
  const files = ["schema.ts", "operations.ts", "uses.ts"].map((name) => `${folder}/${name}`);
  const run = promisify(execFile)("node", ["node_modules/typescript/bin/tsc", ...options, ...files]);
  await run.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
});

// ESLint with eslint.config.js: one test per linted file.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import test from "node:test";
import { ESLint } from "eslint";
import { operations } from "./readme.mjs";

mkdirSync("readme", { recursive: true });
for (const { name, source } of operations) writeFileSync(`readme/${name}.graphql`, source);

/** Maximum number of findings shown per rule. */
const shown = 5;

for (const file of ["schema.graphql", ...operations.map(({ name }) => `readme/${name}.graphql`)]) {
  test(file, { timeout: 60_000 }, async () => {
    const [{ messages }] = await new ESLint().lintFiles([file]);
    const texts = [...new Set(messages.map(({ ruleId }) => ruleId))].map((rule) => {
      const found = messages.filter(({ ruleId }) => ruleId === rule);
      const lines = found.slice(0, shown).map(({ line, message }) => `  ${line}: ${message}`);
      return [`${rule}: ${found.length}`, ...lines].join("\n");
    });
    assert.ok(messages.length === 0, texts.join("\n"));
  });
}

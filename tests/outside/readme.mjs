// The GraphQL operations in README.md.

import { readFileSync } from "node:fs";
import { parse } from "graphql";

export const operations = [...readFileSync("README.md", "utf8").matchAll(/^```graphql\n(.*?)^```$/gms)]
  .map(([, source]) => {
    const [{ name, operation }] = parse(source).definitions;
    return { name: name.value, kind: operation, source };
  });

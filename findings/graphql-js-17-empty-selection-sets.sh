#!/usr/bin/env bash
# graphql-js 17.1.0 parses empty selection sets, which the September 2025 edition of the specification does not allow
# (Selection Sets: `{ Selection+ }`), unless the option allowEmptySelectionSets is false. It rejects the escape \u{…}
# with more than eight digits, which that edition allows (String Value: `{ HexDigit+ }`). Its introspection contains the
# directive location FRAGMENT_VARIABLE_DEFINITION, which no edition defines. Exits with a non-zero status if any of
# these results changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --loglevel=error graphql@17.1.0 >/dev/null
cat > finding.mjs <<'JS'
import { DirectiveLocation, parse, version } from "graphql";

const accepts = (text, options) => {
  try {
    parse(text, options);
    return true;
  } catch {
    return false;
  }
};
const seen = {
  "empty selection set": accepts("{ a {} }"),
  "empty selection set, allowEmptySelectionSets: false": accepts("{ a {} }", { allowEmptySelectionSets: false }),
  "escape of eight digits": accepts('{ a(b: "\\u{00000041}") }'),
  "escape of nine digits": accepts('{ a(b: "\\u{000000041}") }'),
  "location FRAGMENT_VARIABLE_DEFINITION": "FRAGMENT_VARIABLE_DEFINITION" in DirectiveLocation,
};
console.log(`graphql-js ${version}`, seen);
process.exit(JSON.stringify(Object.values(seen)) === "[true,false,true,false,true]" ? 0 : 1);
JS
node finding.mjs

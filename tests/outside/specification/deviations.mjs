// Known differences between the server and graphql-js 17.1.0. In each case the specification (September 2025) supports
// the server or leaves the behavior open; `clause` names the section.

import { Lexer, Source, TokenKind, TypeInfo, visit, visitWithTypeInfo } from "graphql-17";
import { parse, schema } from "./oracle.mjs";

/** True if any token of the query satisfies `found`. */
function hasToken({ query }, found) {
  try {
    const lexer = new Lexer(new Source(query));
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) if (found(token)) return true;
  } catch {
    // The rest of the text cannot be tokenized.
  }
  return false;
}

/** The result of `visitor` on the parsed document; false if graphql-js cannot parse it. */
function hasNode({ query }, visitor) {
  let document;
  try {
    document = parse(query);
  } catch {
    return false;
  }
  return visitor(document);
}

export const deviations = [
  {
    clause: "2.9.4 String Value: EscapedUnicode is `{ HexDigit+ }`, of any length",
    what: "graphql-js rejects more than eight digits",
    covers: ({ query }) => /\\u\{[0-9A-Fa-f]{9,}\}/.test(query),
  },
  {
    clause: "3.5.2 Float, input coercion: a value that a double cannot represent is a request error",
    what: "graphql-js parses it as infinity",
    covers: (request) => hasToken(request, ({ kind, value }) =>
      [TokenKind.INT, TokenKind.FLOAT].includes(kind) && !Number.isFinite(Number(value))),
  },
  {
    clause: "5.8.5 All Variable Usages Are Allowed: IsNonNullPosition holds for each field of a OneOf input object",
    what: "graphql-js does not apply the rule to a OneOf input object in a list position",
    covers: (request) => hasNode(request, (document) => {
      const types = new TypeInfo(schema);
      let isCovered = false;
      const nullable = new Set();
      visit(document, visitWithTypeInfo(types, {
        VariableDefinition: ({ variable, type, defaultValue }) => {
          if (type.kind !== "NonNullType" && !defaultValue) nullable.add(variable.name.value);
        },
      }));
      visit(document, visitWithTypeInfo(types, {
        ListValue: ({ values }) => {
          for (const one of values) isCovered ||= usesNullable(one, nullable);
        },
        Argument: ({ value }) => void (isCovered ||= /^\[/.test(`${types.getInputType()}`) && usesNullable(value, nullable)),
        ObjectField: ({ value }) => void (isCovered ||= /^\[/.test(`${types.getInputType()}`) && usesNullable(value, nullable)),
      }));
      return isCovered;
    }),
  },
  {
    clause: "4.2 Schema Introspection Schema: __DirectiveLocation",
    what: "graphql-js adds the experimental FRAGMENT_VARIABLE_DEFINITION",
    covers: ({ query }) => query.includes('"__DirectiveLocation"'),
  },
];

/** True if the value is a single-field object whose field is a nullable variable. */
function usesNullable(value, nullable) {
  return value.kind === "ObjectValue" && value.fields.length === 1 &&
    value.fields.some((field) => field.value.kind === "Variable" && nullable.has(field.value.name.value));
}

// Where the server and graphql-js 17.1.0 disagree: the specification (September 2025) sides with the server, or leaves
// the case open. Each deviation has its clause.

import { Lexer, Source, TokenKind, TypeInfo, visit, visitWithTypeInfo } from "graphql-17";
import { parse, schema } from "./oracle.mjs";

/** Whether a token of a text is `found`. */
function hasToken({ query }, found) {
  try {
    const lexer = new Lexer(new Source(query));
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) if (found(token)) return true;
  } catch {
    // The rest of the text has no tokens.
  }
  return false;
}

/** Whether a document, which graphql-js can parse, has a node that is `found`. */
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
    what: "graphql-js reads it as infinity",
    covers: (request) => hasToken(request, ({ kind, value }) =>
      [TokenKind.INT, TokenKind.FLOAT].includes(kind) && !Number.isFinite(Number(value))),
  },
  {
    clause: "5.8.5 All Variable Usages Are Allowed: IsNonNullPosition holds for each field of a OneOf input object",
    what: "graphql-js does not see the OneOf input object in the position of a list",
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
    what: "graphql-js adds FRAGMENT_VARIABLE_DEFINITION, of an experiment",
    covers: ({ query }) => query.includes('"__DirectiveLocation"'),
  },
];

/** Whether an object has a field with a variable of a nullable type. */
function usesNullable(value, nullable) {
  return value.kind === "ObjectValue" && value.fields.length === 1 &&
    value.fields.some((field) => field.value.kind === "Variable" && nullable.has(field.value.name.value));
}

// The reference implementation: graphql-js with our schema. It returns a verdict on a request, and the response it
// would produce from the server's values.

import { readFileSync } from "node:fs";
import {
  GraphQLError, MaxIntrospectionDepthRule, buildSchema, execute, getVariableValues, isAbstractType,
  parse as parseWith, specifiedRules, validate,
} from "graphql-17";

/** Parses a document by the September 2025 edition, which does not allow empty selection sets. */
export const parse = (text) => parseWith(text, { allowEmptySelectionSets: false });

export const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

// A limit specific to graphql-js that the specification does not require.
const rules = specifiedRules.filter((rule) => rule !== MaxIntrospectionDepthRule);

/** Parses an RFC 3339 timestamp with a time zone, as required by the scalar's specification. */
const dateTime = (value) => {
  if (typeof value !== "string") throw new GraphQLError(`invalid DateTime: ${JSON.stringify(value)}`);
  const [, date] = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.exec(value) ?? [];
  // Date accepts February 30 and converts it to March 2.
  const isDate = date && !Number.isNaN(Date.parse(value)) && new Date(date).toISOString().startsWith(date);
  if (!isDate) throw new GraphQLError(`invalid DateTime: ${JSON.stringify(value)}`);
  return value;
};
const scalar = schema.getType("DateTime");
scalar.coerceInputValue = dateTime;
scalar.parseValue = dateTime;
scalar.coerceInputLiteral = (node) => dateTime(node.kind === "StringValue" ? node.value : null);
scalar.parseLiteral = scalar.coerceInputLiteral;

/** The reasons why graphql-js rejects a request; an empty array if it would execute the request. */
export function rejection({ query, variables = {}, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return [error.message];
  }
  const errors = validate(schema, document, rules);
  if (errors.length > 0) return errors.map(({ message }) => message);
  const operation = chosen(document, operationName);
  if (!operation) return ["no operation is selected"];
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  return (coerced.errors ?? []).map(({ message }) => message);
}

function chosen(document, name) {
  const operations = document.definitions.filter(({ kind }) => kind === "OperationDefinition");
  return name ? operations.find((one) => one.name?.value === name) : operations.length === 1 ? operations[0] : undefined;
}

/** The kind of the operation to execute. */
export function kind({ query, operationName }) {
  return chosen(parse(query), operationName).operation;
}

/** Executes a request; `fieldResolver` returns the values of fields. */
export function run({ query, variables, operationName }, rootValue, fieldResolver) {
  const document = parse(query);
  return execute({
    schema, document, variableValues: variables, operationName, rootValue, fieldResolver,
    typeResolver: (value) => value.__typename,
  });
}

/** Thrown if an object of an abstract type has no `__typename`. */
export class UnknownType extends Error {}

/**
 * Executes the request in graphql-js on the server's data: each field resolves to the value that the server returned
 * under its response name. The result differs if the server's data has missing, extra or reordered fields.
 */
export function replay(request, data) {
  const byResponseName = (source, _arguments, _context, { path, returnType }) => {
    const value = source[path.key];
    checkTypes(returnType, value);
    return value === undefined ? new Error(`the server returned no \`${path.key}\``) : value;
  };
  return run(request, data, byResponseName);
}

function checkTypes(type, value) {
  while (type.ofType) type = type.ofType;
  if (!isAbstractType(type)) return;
  for (const one of [value].flat()) {
    if (one && one.__typename === undefined) throw new UnknownType();
  }
}

// graphql-js on our schema: its verdict on a request, and the answer it would give with the values of the server.

import { readFileSync } from "node:fs";
import {
  GraphQLError, MaxIntrospectionDepthRule, buildSchema, execute, getVariableValues, isAbstractType,
  parse as parseWith, specifiedRules, validate,
} from "graphql-17";

/** A document of September 2025: selection sets without a selection come with the next edition. */
export const parse = (text) => parseWith(text, { allowEmptySelectionSets: false });

export const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

// A limit of graphql-js's own, which no clause of the specification asks for.
const rules = specifiedRules.filter((rule) => rule !== MaxIntrospectionDepthRule);

/** RFC 3339 with a time zone, as the scalar's specification asks for. */
const dateTime = (value) => {
  if (typeof value !== "string") throw new GraphQLError(`not a DateTime: ${JSON.stringify(value)}`);
  const [, date] = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.exec(value) ?? [];
  // February 30 is a date to Date, and becomes March 2.
  const isDate = date && !Number.isNaN(Date.parse(value)) && new Date(date).toISOString().startsWith(date);
  if (!isDate) throw new GraphQLError(`not a DateTime: ${JSON.stringify(value)}`);
  return value;
};
const scalar = schema.getType("DateTime");
scalar.coerceInputValue = dateTime;
scalar.parseValue = dateTime;
scalar.coerceInputLiteral = (node) => dateTime(node.kind === "StringValue" ? node.value : null);
scalar.parseLiteral = scalar.coerceInputLiteral;

/** Why graphql-js rejects a request; an empty list where it would execute it. */
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
  if (!operation) return ["no operation is chosen"];
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  return (coerced.errors ?? []).map(({ message }) => message);
}

function chosen(document, name) {
  const operations = document.definitions.filter(({ kind }) => kind === "OperationDefinition");
  return name ? operations.find((one) => one.name?.value === name) : operations.length === 1 ? operations[0] : undefined;
}

/** The kind of the operation that is executed. */
export function kind({ query, operationName }) {
  return chosen(parse(query), operationName).operation;
}

/** Executes a request: `resolve` gives the values of fields. */
export function run({ query, variables, operationName }, rootValue, fieldResolver) {
  const document = parse(query);
  return execute({
    schema, document, variableValues: variables, operationName, rootValue, fieldResolver,
    typeResolver: (value) => value.__typename,
  });
}

/** Thrown where an object of an interface does not tell its type. */
export class UnknownType extends Error {}

/**
 * The data that graphql-js makes of the data of the server: each field has the value that the server gave under its
 * response name. What the server lacks, has beyond the selection, or has in another order then differs.
 */
export function replay(request, data) {
  const byResponseName = (source, _arguments, _context, { path, returnType }) => {
    const value = source[path.key];
    checkTypes(returnType, value);
    return value === undefined ? new Error(`the server has no \`${path.key}\``) : value;
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

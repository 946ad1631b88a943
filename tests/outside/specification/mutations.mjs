// Applies one random change to a request. Most changed requests are invalid; some remain valid.

import { Lexer, Source, TokenKind } from "graphql-17";
import { schema } from "./oracle.mjs";

const words = [
  ...Object.keys(schema.getTypeMap()).filter((_, index) => index % 20 === 0),
  ...Object.keys(schema.getQueryType().getFields()).filter((_, index) => index % 8 === 0),
  "id", "name", "fullName", "nodes", "totalCount", "first", "filter", "eq", "NEW", "true", "null", "on", "if", "input", "__typename",
  "query", "fragment", "Prospect", "Company", "Int", "String", "Boolean", "Query", "Mutation", "Node", "input", "x",
];
const values = [
  "1", "-1", "-0", "1.5", "2147483648", '"a"', '"1"', "true", "null", "NEW", "[]", "[1]", "[[1]]", "{}", "{ eq: 1 }", "$v0", "[null]",
  '{ id: "1" }', '"""b"""', "9223372036854775808", "1e400",
];
const directives = [
  "@skip(if: true)", "@include(if: false)", "@nope", "@include", "@skip(if: $v0)", "@skip(iff: true)", "@deprecated", "@skip(if: 1)",
  "@skip(if: true) @skip(if: true)", "@oneOf", '@specifiedBy(url: "a")', "@include(if: null)",
];
const types = ["Int", "Int!", "String", "String!", "[Int]", "[Int!]!", "ID", "ID!", "Boolean", "Boolean!", "ProspectFilter", "Prospect", "Nope", "JSON"];
const selections = [
  "id", "__typename", "x: id", "x: __typename", "name", "nope", "totalCount", "... { __typename }", "... on Query { schemaVersion }", "...F0",
  "... on Prospect { id }", "... on Node { id }", "...Nope", "a0: __typename", "a1: id", "nodes { id }", "id { id }", "nodes",
];

function tokens(text) {
  const lexer = new Lexer(new Source(text));
  const found = [];
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) found.push(token);
  return found;
}

const isValue = ({ kind }) => [TokenKind.INT, TokenKind.FLOAT, TokenKind.STRING, TokenKind.BLOCK_STRING].includes(kind);

/** Changes the query at one random token that satisfies `applies`. */
function at(random, { query, variables }, applies, change) {
  const places = tokens(query).filter(applies);
  if (places.length === 0) return { query: `${query} ${random.pick(words)}`, variables };
  const token = random.pick(places);
  return { query: query.slice(0, token.start) + change(query.slice(token.start, token.end), token) + query.slice(token.end), variables };
}

const changes = [
  (random, request) => at(random, request, () => true, () => " "),
  (random, request) => at(random, request, () => true, (text) => `${text} ${text}`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.NAME, () => random.pick(words)),
  (random, request) => at(random, request, isValue, () => random.pick(values)),
  (random, request) => at(random, request, isValue, (text) => `[${text}]`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.BRACE_L, () => `{ ${random.pick(selections)} `),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.BRACE_L, () => `{ ${random.pick(selections)} `),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.BRACE_L, () => `${random.pick(directives)} {`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.BRACE_R, () => `${random.pick(directives)} }`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.NAME, (text) => `${text} ${random.pick(directives)}`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.PAREN_R, () => `, first: ${random.pick(values)})`),
  (random, request) => at(random, request, ({ kind }) => kind === TokenKind.PAREN_R, () => `, ${random.pick(words)}: ${random.pick(values)})`),
  (random, request) => at(random, request, ({ kind, next }) => kind === TokenKind.NAME && next?.kind === TokenKind.COLON, () => random.pick(["a0", "a1", "x", "first"])),
  // Changes the type or the default value of a variable.
  (random, { query, variables }) => {
    const definition = /(\$v\d+: )([[\]!\w]+)/g;
    const found = [...query.matchAll(definition)];
    if (found.length === 0) return { query: query.replace(/^(query|mutation)\b *\w*/, (text) => `${text}($v0: ${random.pick(types)})`), variables };
    const one = random.pick(found);
    const rest = query.slice(one.index + one[0].length);
    const fallback = random.chance(0.3) ? ` = ${random.pick(values)}` : "";
    return { query: `${query.slice(0, one.index)}${one[1]}${random.chance(0.3) ? one[2] : random.pick(types)}${fallback}${rest}`, variables };
  },
  // Changes or removes the value of a variable.
  (random, { query, variables }) => {
    const names = Object.keys(variables);
    if (names.length === 0) return { query, variables: { v0: 1, extra: "x" } };
    const name = random.pick(names);
    const others = [null, 1, -0, 2.5, 2147483648, "a", "", true, [], [null], {}, { id: 1 }, [[1]], "NEW"];
    if (random.chance(0.3)) {
      const { [name]: _, ...rest } = variables;
      return { query, variables: rest };
    }
    return { query, variables: { ...variables, [name]: random.pick(others) } };
  },
  (random, { query, variables }) => ({ query: `${query} ${random.pick([
    "fragment Unused on Query { __typename }", "query Q { __typename }", "{ __typename }", "fragment F0 on Query { __typename }",
    "fragment C on Query { ...C }", "type A { b: Int }", "query R($v0: Int) { __typename }", "subscription S { importJobChanged { cursor } }",
    "fragment on on Query { __typename }", "extend type Query { a: Int }", "query Q() { __typename }", "mutation {}",
  ])}`, variables }),
  (random, { query, variables }) => ({ query: `{ ${random.pick(selections)} } ${query}`, variables }),
  (random, { query, variables }) => ({ query: query.replace(/^query/, random.pick(["mutation", "subscription", "Query"])), variables }),
];

/** Returns a copy of the request with one random change. */
export function mutated(random, request) {
  return random.pick(changes)(random, request);
}

// Mutations that write values and return them, which shows how the server coerced literals and variables.

import { run } from "./oracle.mjs";

const characters = ["a", "B", " ", "é", "漢", "😀", "\\n", "\\t", '\\"', "\\\\", "\\/", "\\u00e9", "\\u{1F600}", "\\uD83D\\uDE00", "\\u{41}", "#", "{", "$x", "'"];
const lines = ["a", "  b", "\tc", "", "   ", '\\"""', "d \\n e", "😀", '"', "    f  ", "g\\\\h"];

/** A string literal. It starts and ends with a letter because the server trims strings. */
function string({ pick, below, chance }) {
  if (chance(0.6)) return `"x${Array.from({ length: below(8) }, () => pick(characters)).join("")}x"`;
  const breaks = pick(["\n", "\r\n", "\r"]);
  const middle = Array.from({ length: 1 + below(5) }, () => pick(lines)).join(breaks);
  return pick([`"""x${middle}${breaks}  x"""`, `"""${breaks}  x${breaks}${middle}${breaks}  x${breaks}"""`, `"""x${breaks}    ${middle}${breaks}x"""`]);
}

/** A single-line string literal without control characters, which single-line columns reject. */
const line = (random) => string(random).replaceAll(/[\r\n\t]+/g, " ").replaceAll(/\\+[nt]/g, "-")
  .replace(/^""" +/, '"""').replace(/ +"""$/, '"""');

const ints = ["0", "-0", "1", "-1", "7", "2147483647", "42"];
const floats = ["0", "1", "0.5", "1e3", "1E-2", "12.25", "2.0", "1e+2", "3"];

function json(random, depth = 0) {
  const { pick, below } = random;
  const leaves = [...ints.slice(2, 4), "0.5", "1e2", "true", "false", "null", '"a"', "A", '"""b"""', "9007199254740991"];
  const kind = depth > 2 ? 0 : below(4);
  if (kind === 1) return `[${Array.from({ length: below(3) }, () => json(random, depth + 1)).join(", ")}]`;
  if (kind > 1) return `{ ${["a", "b", "c"].slice(0, below(4)).map((name) => `${name}: ${json(random, depth + 1)}`).join(" ")} }`;
  return pick(leaves);
}

/** The variable value of a literal that contains no enum values or block strings. */
const asVariable = (literal) => JSON.parse(literal.replace(/\\u\{(\w+)\}/g, (_, digits) => String.fromCodePoint(parseInt(digits, 16))));

/** A request that creates a usage log entry with values of several scalar types, and a draft. */
export function request(random) {
  const { pick, chance } = random;
  const fields = {
    resource: [line(random), "String"],
    tokens: [pick(["0", "-0", "1", "7", "2147483647"]), "Int"],
    quantity: [pick(floats), "Float"],
    kind: [pick(["API_CALL", "STORAGE"]), "ServiceUsageKind"],
    status: [line(random), "String"],
  };
  const definitions = [];
  const variables = {};
  const given = [];
  for (const [name, [literal, type]] of Object.entries(fields)) {
    if (name !== "kind" && chance(0.2)) continue;
    let value = literal;
    if (chance(0.3)) {
      try {
        variables[name] = type === "ServiceUsageKind" ? literal : asVariable(literal);
        definitions.push(`$${name}: ${type}`);
        value = `$${name}`;
      } catch {
        // The literal cannot be expressed in JSON.
      }
    } else if (chance(0.1)) {
      definitions.push(`$${name}: ${type} = ${literal}`);
      value = `$${name}`;
    }
    given.push([name, value]);
  }
  const log = given.map(([name, value]) => `${name}: ${value}`).join(pick([", ", " ", "\n"]));
  const metadata = `{ m: ${json(random)} }`;
  const content = string(random);
  const operation = definitions.length > 0 ? `(${definitions.join(", ")})` : "";
  const query = `mutation Echo${operation} {
    log: createServiceUsageLog(input: { provider: "p", operation: "o", cost: 0.25, ${log} }) {
      userErrors { field message } serviceUsageLog { provider ${given.map(([name]) => name).join(" ")} }
    }
    draft: createOutreachDraft(input: { prospectId: "Prospect:42", draftType: "initial", metadata: ${metadata}, content: ${content} }) {
      userErrors { field message } outreachDraft { content metadata }
    }
  }`;
  return { query, variables };
}

const roots = { createServiceUsageLog: "serviceUsageLog", createOutreachDraft: "outreachDraft" };

/** The data that graphql-js returns for a request, with each input echoed as the created row. */
export async function echo(request) {
  const { data, errors } = await run(request, {}, (source, { input }, _context, { fieldName }) =>
    roots[fieldName] ? { userErrors: [], [roots[fieldName]]: input } : source[fieldName]);
  return { data, errors };
}

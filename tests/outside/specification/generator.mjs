// Generates valid documents and their variables from the schema, deterministically from a seed.

import {
  getNamedType, getNullableType, isAbstractType, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType,
} from "graphql-17";
import { schema } from "./oracle.mjs";

/** A pseudorandom number generator (mulberry32). The same seed gives the same sequence on every platform. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  return { next, below, pick: (list) => list[below(list.length)], chance: (share) => next() < share };
}

/** Types of generated IDs. Some of the IDs exist in the demo data. */
const kinds = ["Prospect", "Company", "Industry", "Solution", "Event", "Interaction", "OutreachDraft"];

const strings = [
  '"a"', '""', '"a \\"quoted\\" word"', '"\\u00e9"', '"\\u{1F600}"', '"\\uD83D\\uDE00"', '"""block"""', '"""\n    a\n      b\n  """',
  '"""a \\""" b"""', '"Ünïcode 漢字"', '"tab\\tand\\nline"',
];

class Document {
  constructor(random, deepest) {
    this.random = random;
    this.deepest = deepest;
    this.names = 0;
    this.variables = {};
    this.definitions = [];
    this.fragments = [];
    this.fields = 0;
  }

  name(prefix) {
    return `${prefix}${this.names++}`;
  }

  /** Generates an operation with its fragments and variables. */
  operation() {
    const { random } = this;
    const kind = random.chance(0.05) ? "mutation" : random.chance(0.06) ? "subscription" : "query";
    const root = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[kind];
    const roots = kind === "subscription" ? 1 : 1 + random.below(3);
    const body = this.set(root, 0, roots, kind !== "subscription");
    const definitions = this.definitions.length > 0 ? `(${this.definitions.join(random.pick([", ", " "]))})` : "";
    const name = kind !== "query" || definitions || random.chance(0.5) ? `${kind} ${random.chance(0.7) ? "Q" : ""}${definitions} ` : "";
    const description = name && random.chance(0.05) ? '"A description." ' : "";
    const parts = [`${description}${name}${body}`, ...this.fragments];
    if (random.chance(0.3)) parts.reverse();
    return { query: parts.join("\n"), variables: this.variables };
  }

  set(type, depth, count, isFree = true) {
    const { random } = this;
    const parts = [];
    if (isAbstractType(type)) parts.push("__typename");
    for (let n = 0; n < count; n++) {
      const part = this.field(type, depth, isFree);
      if (part) parts.push(part);
    }
    if (isFree && isAbstractType(type) && random.chance(0.8)) {
      const object = random.pick(schema.getPossibleTypes(type));
      parts.push(`... on ${object.name} ${this.set(object, depth + 1, 1 + random.below(2))}`);
    }
    if (parts.length === 0) parts.push("__typename");
    if (isFree && random.chance(0.15)) parts.push(random.pick(parts));
    if (isFree && random.chance(0.1)) parts.push(`__typename${this.directive()}`);
    const wrap = random.next();
    if (isFree && wrap < 0.08) return `{ ${parts.slice(1).join(" ")} ...${this.directive()} { ${parts[0]} } }`;
    if (isFree && wrap < 0.16) return `{ ... on ${type.name}${this.directive()} { ${parts.join(random.pick([" ", ", ", "\n"]))} } }`;
    if (wrap < 0.26) {
      const name = this.name("F");
      this.fragments.push(`fragment ${name} on ${type.name} { ${parts.join(" ")} }`);
      const directive = isFree ? this.directive() : "";
      return `{ ...${name}${directive}${isFree && random.chance(0.3) ? ` ...${name}` : ""} }`;
    }
    return `{ ${parts.join(" ")} }`;
  }

  directive() {
    const { random } = this;
    if (!random.chance(0.2)) return "";
    const name = random.pick(["skip", "include"]);
    if (random.chance(0.5)) return ` @${name}(if: ${random.pick(["true", "false"])})`;
    return ` @${name}(if: ${this.variable("Boolean!", random.chance(0.5), random.chance(0.2) ? "true" : undefined)})`;
  }

  variable(type, value, fallback) {
    const name = this.name("v");
    this.definitions.push(`$${name}: ${type}${fallback === undefined ? "" : ` = ${fallback}`}`);
    if (value !== undefined) this.variables[name] = value;
    return `$${name}`;
  }

  field(type, depth, isFree) {
    const { random } = this;
    const fields = Object.values(type.getFields());
    for (let tries = 0; tries < 20; tries++) {
      const field = random.pick(fields);
      const target = getNamedType(field.type);
      const isLeaf = isLeafType(target);
      if (!isLeaf && depth >= this.deepest) continue;
      if (field.name === "groups" || (this.fields > 60 && !isLeaf)) continue;
      this.fields += 1;
      const given = this.arguments(field);
      const alias = given || random.chance(0.1) ? `${this.name("a")}${random.pick([": ", ":", " : "])}` : "";
      const directive = isFree ? this.directive() : "";
      const below = isLeaf ? "" : ` ${this.set(target, depth + 1, 1 + random.below(3))}`;
      return `${alias}${field.name}${given}${directive}${below}`;
    }
    return undefined;
  }

  arguments(field) {
    const { random } = this;
    const parts = [];
    for (const argument of field.args) {
      const isRequired = isNonNullType(argument.type) && argument.default === undefined && argument.defaultValue === undefined;
      const isPage = argument.name === "first";
      if (["after", "before", "last"].includes(argument.name)) continue;
      if (!isRequired && !isPage && !random.chance(0.25)) continue;
      parts.push(`${argument.name}: ${isPage ? this.page() : this.argument(argument)}`);
    }
    return parts.length > 0 ? `(${parts.join(random.pick([", ", " ", ","]))})` : "";
  }

  page() {
    const { random } = this;
    const size = 1 + random.below(3);
    return random.chance(0.3) ? this.variable(random.pick(["Int", "Int!"]), size) : `${size}`;
  }

  argument({ type }) {
    const { random } = this;
    if (!random.chance(0.3)) return this.literal(type, 0);
    const isAbsent = !isNonNullType(type) && random.chance(0.2);
    if (isAbsent) return this.variable(`${type}`, random.chance(0.3) ? null : undefined);
    const fallback = random.chance(0.15) ? this.literal(getNullableType(type), 5) : undefined;
    return this.variable(`${type}`, this.value(type, 0), fallback);
  }

  /** A literal of a type; `depth` limits nesting. */
  literal(type, depth) {
    const { random } = this;
    if (isNonNullType(type)) return this.literal(type.ofType, depth);
    if (isListType(type)) {
      if (random.chance(0.15)) return this.literal(type.ofType, depth + 1);
      return `[${Array.from({ length: 1 + random.below(2) }, () => this.literal(type.ofType, depth + 1)).join(", ")}]`;
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const given = this.object(type, depth, (field) => this.literal(field.type, depth + 1));
      return `{ ${given.map(([name, value]) => `${name}: ${value}`).join(", ")} }`;
    }
    if (type.name === "String") return random.pick(strings);
    if (type.name === "JSON") return random.pick(["1", "null", '"a"', "{ a: [1, 2.5, true], b: null }", "[]"]);
    if (type.name === "Float") return random.pick(["1", "0.5", "-2", "1e3", "-0"]);
    if (type.name === "Int") return random.pick(["1", "0", "-3", "7", "2147483647"]);
    return JSON.stringify(this.value(type, depth));
  }

  /** A variable value of a type. */
  value(type, depth) {
    const { random } = this;
    if (isNonNullType(type)) return this.value(type.ofType, depth);
    if (isListType(type)) {
      if (random.chance(0.15)) return this.value(type.ofType, depth + 1);
      return Array.from({ length: 1 + random.below(2) }, () => this.value(type.ofType, depth + 1));
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      return Object.fromEntries(this.object(type, depth, (field) => this.value(field.type, depth + 1)));
    }
    switch (type.name) {
      case "Int": return random.below(10);
      case "Float": return random.pick([0, 1, 2.5, -1]);
      case "Boolean": return random.chance(0.5);
      case "ID": return random.pick([`${random.pick(kinds)}:${1 + random.below(20)}`, `${1 + random.below(20)}`, 1 + random.below(20)]);
      case "DateTime": return random.pick(["2026-05-01T10:00:00Z", "2024-02-29T23:59:59.5+02:00"]);
      case "JSON": return random.pick([1, "a", { a: [null, true] }, []]);
      default: return random.pick(["a", "", "Ünïcode", "UTC", "%"]);
    }
  }

  object(type, depth, make) {
    const { random } = this;
    const fields = Object.values(type.getFields());
    const isSmall = (field) => isLeafType(getNamedType(field.type)) || depth < 3;
    if (type.isOneOf) {
      const field = random.pick(fields.filter(isSmall).concat(fields.slice(0, 1)));
      return [[field.name, make(field)]];
    }
    const isRequired = (field) => isNonNullType(field.type) && field.default === undefined && field.defaultValue === undefined;
    const optional = fields.filter((field) => !isRequired(field) && isSmall(field));
    const chosen = new Set(fields.filter(isRequired));
    if (optional.length > 0) for (let n = random.below(3); n > 0; n--) chosen.add(random.pick(optional));
    return [...chosen].map((field) => [field.name, make(field)]);
  }
}

/** Generates a valid request. */
export function request(random) {
  return new Document(random, 1 + random.below(4)).operation();
}

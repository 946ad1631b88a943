// The files of docs/CLIENTS.md, run against the server.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import compiler from "relay-compiler";
import WebSocket from "ws";
import { data, endpoint, origin, socket, stillAnswers, writeDraft } from "./server.mjs";
import { operations } from "./readme.mjs";

const limit = { timeout: 30_000 };
const folder = "clients";
const files = [...readFileSync("CLIENTS.md", "utf8").matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)];

// As in a browser. Earlier versions of Node.js have no WebSocket.
globalThis.WebSocket = WebSocket;
mkdirSync(`${folder}/src`, { recursive: true });
writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
for (const [, , name, text] of files) {
  writeFileSync(`${folder}/${name}`, text.replaceAll("http://127.0.0.1:8000", origin));
}

const load = (name) => import(`./${folder}/${name}`);
/** Waits until a condition holds. */
async function until(condition) {
  while (!condition()) await new Promise((done) => setTimeout(done, 20));
}

test("every block of the guide is a file that this suite runs", () => {
  const names = files.map(([, , name]) => name).sort();
  assert.deepEqual(names, ["apollo.js", "codegen.ts", "follow.js", "relay.config.json", "relay.js", "table.js", "upload.js", "urql.js"]);
  const links = readFileSync("CLIENTS.md", "utf8");
  assert.equal(links.match(/^```/gm).length, 2 * files.length);
});

test("codegen.ts generates types that compile", { timeout: 120_000 }, async () => {
  writeFileSync(`${folder}/src/operations.graphql`, operations.map(({ source }) => source).join("\n"));
  const run = (file, ...options) => promisify(execFile)("node", [file, ...options], { cwd: folder })
    .catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
  await run("../node_modules/@graphql-codegen/cli/esm/bin.js", "--config", "codegen.ts");
  const types = readFileSync(`${folder}/src/graphql.ts`, "utf8");
  assert.match(types, /interactionDate: string \| null/);
  // Comments are descriptions of the schema.
  assert.doesNotMatch(types.replaceAll(/\/\*\*.*?\*\//gs, ""), /\bany\b/);
  const options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"];
  await run("../node_modules/typescript/bin/tsc", ...options, "src/graphql.ts");
});

test("apollo.js pages, creates and subscribes", limit, async (t) => {
  const { client, socket: own, createProspect, PROSPECTS } = await load("apollo.js");
  t.after(() => own.dispose());
  const filter = { company: { name: { startsWith: "A" } } };
  const watched = client.watchQuery({ query: PROSPECTS, variables: { filter } });
  const watching = watched.subscribe(() => {});
  t.after(() => watching.unsubscribe());
  let { prospects } = (await client.query({ query: PROSPECTS, variables: { filter } })).data;
  assert.equal(prospects.edges.length, 20);
  await watched.fetchMore({ variables: { filter, after: prospects.pageInfo.endCursor } });
  ({ prospects } = client.readQuery({ query: PROSPECTS, variables: { filter } }));
  const ids = new Set(prospects.edges.map(({ node }) => node.id));
  assert.equal(ids.size, 40);
  const companyId = prospects.edges[0].node.company.id;
  const created = await createProspect({ fullName: "Aaron Guide", email: "aaron@guide-test.example", companyId });
  assert.match(created.id, /^Prospect:/);
  await until(() => {
    const list = client.readQuery({ query: PROSPECTS, variables: { filter } })?.prospects;
    return list?.edges.some(({ node }) => node.id === created.id);
  });
  const again = createProspect({ fullName: "Aaron Guide", email: "aaron@guide-test.example", companyId });
  await assert.rejects(again, (error) => error.reason === "PROSPECT_EMAIL_TAKEN" && error.field === "email");
});

test("urql.js pages, and a mutation refreshes the list", limit, async (t) => {
  const { client, socket: own, PROSPECTS } = await load("urql.js");
  t.after(() => own.dispose());
  const pages = [];
  for (const after of [null, undefined]) {
    const variables = after === null ? {} : { after: pages[0].pageInfo.endCursor };
    const { data: found, error } = await client.query(PROSPECTS, variables).toPromise();
    assert.equal(error, undefined, error?.message);
    pages.push(found.prospects);
  }
  assert.equal(pages[1].edges.length, 40);
  const { companies } = await data("{ companies(first: 1) { nodes { id } } }");
  const create = `mutation ($input: CreateProspectInput!) { createProspect(input: $input) { prospect { id fullName } userErrors { message } } }`;
  const input = { fullName: "Aaaron Urql", email: "aaaron@guide-test.example", companyId: companies.nodes[0].id };
  const { data: made, error } = await client.mutation(create, { input }).toPromise();
  assert.equal(error, undefined, error?.message);
  const { data: after } = await client.query(PROSPECTS, {}).toPromise();
  assert.ok(after.prospects.edges.some(({ node }) => node.id === made.createProspect.prospect.id));
});

test("relay.config.json and relay.js compile, fetch and subscribe", { timeout: 60_000 }, async (t) => {
  const schema = await (await fetch(`${origin}/schema.graphql`)).text();
  writeFileSync(`${folder}/schema.graphql`, schema);
  const document = `import { graphql } from "relay-runtime";
graphql\`query documentsQuery($first: Int!) { prospects(first: $first) @required(action: THROW) { totalCount edges { node { id fullName createdAt } } } }\`;
graphql\`subscription documentsSubscription($after: String) { outreachDraftCreated(after: $after) { cursor draft { content } } }\`;
`;
  writeFileSync(`${folder}/src/documents.js`, document);
  const run = promisify(execFile)(compiler, ["relay.config.json"], { cwd: folder });
  await run.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
  // The compiler generates CommonJS.
  const artifact = async (name) => {
    const path = `${folder}/src/__generated__/${name}.graphql`;
    copyFileSync(`${path}.js`, `${path}.cjs`);
    return (await import(`./${path}.cjs`)).default;
  };
  const { environment, socket: own } = await load("relay.js");
  const { default: relay } = await import("relay-runtime");
  t.after(() => own.dispose());
  const { prospects } = await relay.fetchQuery(environment, await artifact("documentsQuery"), { first: 3 }).toPromise();
  assert.equal(prospects.edges.length, 3);
  const { newestCursor } = await load("follow.js");
  const variables = { after: await newestCursor(endpoint) };
  const subscription = await artifact("documentsSubscription");
  const event = new Promise((resolve, reject) => {
    const { dispose } = relay.requestSubscription(environment, { subscription, variables, onNext: (next) => (resolve(next), dispose()), onError: reject });
  });
  await writeDraft("for the guide");
  assert.equal((await event).outreachDraftCreated.draft.content, "for the guide");
});

test("follow.js delivers each event once across broken connections", limit, async (t) => {
  const { createClient } = await import("graphql-ws");
  const { follow, newestCursor } = await load("follow.js");
  const client = createClient({ url: socket, retryAttempts: Infinity, retryWait: async () => {} });
  t.after(() => client.dispose());
  const query = "subscription ($after: String) { outreachDraftCreated(after: $after) { cursor draft { content } } }";
  const seen = [];
  const faults = [];
  const stop = follow(client, query, await newestCursor(endpoint), {
    onEvent: (event) => seen.push(event.draft.content),
    onError: (error) => faults.push(error),
  });
  const expected = [];
  for (let round = 0; round < 4; round++) {
    for (const content of [`${round} a`, `${round} b`]) {
      await writeDraft(content);
      expected.push(content);
    }
    await until(() => seen.length === expected.length);
    client.terminate();
    // Written while the client is not connected.
    await writeDraft(`${round} c`);
    expected.push(`${round} c`);
    await until(() => seen.length === expected.length);
  }
  stop();
  assert.deepEqual(seen, expected);
  assert.deepEqual(faults, []);
});

test("follow.js reports an expired or unknown cursor", limit, async (t) => {
  const { createClient } = await import("graphql-ws");
  const { follow } = await load("follow.js");
  const client = createClient({ url: socket, retryAttempts: 0 });
  t.after(() => client.dispose());
  const query = "subscription ($after: String) { outreachDraftCreated(after: $after) { cursor } }";
  const error = await new Promise((onError) => follow(client, query, "none", { onEvent() {}, onError }));
  assert.equal(error[0].extensions.reason, "CURSOR_INVALID");
});

test("upload.js previews a file", limit, async () => {
  const { previewImport } = await load("upload.js");
  const file = new File(["Wer;Mail;Extra\nGuide Person;guide@upload-test.example;x\n"], "people.csv", { type: "text/csv" });
  const result = await previewImport(file, { country: "DE", map: { Wer: "full_name", Extra: "" } });
  assert.deepEqual(result.mapping, { full_name: "Wer", email: "Mail" });
  assert.equal(result.verdicts.CREATE, 1);
  assert.ok(result.fields.some(({ name }) => name === "company_country"));
  const broken = previewImport(new File(["a;b\n1;2\n"], "none.csv"));
  await assert.rejects(broken, (error) => error.reason === "MAPPING_INVALID");
});

test("table.js returns a complete list", limit, async () => {
  const { table } = await load("table.js");
  const lines = (await table("{ industries { nodes { name } } }")).trim().split("\r\n");
  const { industries } = await data("{ industries { totalCount } }");
  assert.equal(lines.length, 1 + industries.totalCount);
  await assert.rejects(table("{ industries { nodes { nothing } } }"));
});

test("the server still responds", stillAnswers);

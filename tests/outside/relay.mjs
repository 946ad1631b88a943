// Relay: its compiler on the documents in relay/App.js, and its runtime with pagination and refetching.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import compiler from "relay-compiler";
import runtime from "relay-runtime";
import { post, stillAnswers } from "./server.mjs";

const { Environment, Network, RecordSource, Store, createOperationDescriptor, getSelector } = runtime;
const limit = { timeout: 30_000 };

const environment = () => new Environment({
  network: Network.create(async ({ text, name }, variables) => {
    const { json, text: raw } = await post({ query: text, variables, operationName: name });
    assert.ok(json && !json.errors, raw.slice(0, 300));
    return json;
  }),
  store: new Store(new RecordSource()),
});

/** Sends an operation, stores the response and returns the data that the operation selects directly. */
async function ask(relay, query, variables) {
  const operation = createOperationDescriptor(query, variables);
  await relay.execute({ operation }).toPromise();
  return relay.lookup(operation.fragment).data;
}
const read = (relay, fragment, from) => relay.lookup(getSelector(fragment, from)).data;
// The compiler generates CommonJS because its imports omit file extensions, which Node.js requires in ES modules.
const artifact = async (name) => (await import(`./relay/__generated__/${name}.graphql.js`)).default;

test("relay-compiler accepts the schema and the documents", { timeout: 60_000 }, async () => {
  mkdirSync("relay/__generated__", { recursive: true });
  copyFileSync("schema.graphql", "relay/schema.graphql");
  const run = promisify(execFile)(compiler, ["relay.config.json"], { cwd: "relay" });
  await run.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
});

test("pagination loads a list page by page to its end", limit, async () => {
  const relay = environment();
  const [query, fragment, more] =
    await Promise.all(["AppPeopleQuery", "App_people", "AppPeoplePaginationQuery"].map(artifact));
  const filter = { company: { name: { startsWith: "A" } } };
  const root = await ask(relay, query, { count: 7, filter });
  let { prospects } = read(relay, fragment, root);
  assert.equal(prospects.edges.length, 7);
  let pages = 1;
  while (prospects.pageInfo.hasNextPage) {
    await ask(relay, more, { count: 7, cursor: prospects.pageInfo.endCursor, filter });
    ({ prospects } = read(relay, fragment, root));
    pages += 1;
  }
  assert.ok(pages > 2, `${pages} pages`);
  const ids = prospects.edges.map(({ node }) => node.id);
  assert.equal(ids.length, prospects.totalCount);
  assert.equal(new Set(ids).size, ids.length);
});

test("a row is refetched by ID with its nested pages", limit, async () => {
  const relay = environment();
  const [query, person, company, history, refetch] = await Promise.all(
    ["AppNodeQuery", "App_person", "App_company", "App_history", "AppPersonRefetchQuery"].map(artifact),
  );
  const { node } = await ask(relay, query, { id: "Prospect:42" });
  assert.equal(node.__typename, "Prospect");
  const { fullName, company: at } = read(relay, person, node.person);
  assert.equal(node.company, null);
  assert.ok(read(relay, company, at).prospects.edges.length > 0);
  assert.ok(read(relay, history, node.history).interactions.pageInfo);
  const again = await ask(relay, refetch, { id: node.id });
  assert.equal(read(relay, person, again.node).fullName, fullName);
});

test("a mutation creates a draft", limit, async () => {
  const relay = environment();
  const input = { prospectId: "Prospect:42", draftType: "initial", content: "by Relay" };
  const { createOutreachDraft } = await ask(relay, await artifact("AppWriteMutation"), { input, connections: [] });
  assert.deepEqual(createOutreachDraft.userErrors, []);
  assert.equal(createOutreachDraft.outreachDraft.content, "by Relay");
});

test("the server still responds", stillAnswers);

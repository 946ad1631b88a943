// urql: queries by GET and POST, mutations, and subscriptions over graphql-ws.

import assert from "node:assert/strict";
import test from "node:test";
import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { endpoint, latest, socket, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };
const person = gql`query Person($id: ID!) { prospect(id: $id) { id fullName company { id name } } }`;

/** A client and a record of its requests and responses. */
function recorded(options) {
  const seen = [];
  const recording = async (url, init) => {
    const response = await fetch(url, init);
    seen.push({ method: init.method, type: response.headers.get("content-type"), accept: init.headers.accept });
    return response;
  };
  const client = new Client({
    url: endpoint, fetch: recording, exchanges: [cacheExchange, fetchExchange], preferGetMethod: false, ...options,
  });
  return { client, seen };
}

for (const preferGetMethod of [true, "within-url-limit", "force", false]) {
  const method = preferGetMethod ? "GET" : "POST";
  test(`a query by ${method}, preferGetMethod: ${preferGetMethod}`, limit, async () => {
    const { client, seen } = recorded({ preferGetMethod });
    const { data, error } = await client.query(person, { id: "Prospect:42" }).toPromise();
    assert.equal(error, undefined, error?.message);
    assert.equal(data.prospect.id, "Prospect:42");
    const [{ method: used, type, accept }] = seen;
    assert.equal(used, method);
    // The Accept header lists event streams last, so the server does not prefer them.
    assert.match(accept, /^application\/graphql-response\+json.*text\/event-stream/);
    assert.match(type, /^application\/graphql-response\+json\b/);
  });
}

test("an invalid query returns its errors", limit, async () => {
  for (const preferGetMethod of [true, false]) {
    const { error } = await recorded({ preferGetMethod }).client.query(gql`{ nothingOfThisName }`, {}).toPromise();
    assert.equal(error?.graphQLErrors[0]?.extensions.code, "GRAPHQL_VALIDATION_FAILED", error?.message);
  }
});

test("mutations must be sent by POST even if queries use GET", limit, async () => {
  const { client, seen } = recorded({ preferGetMethod: true });
  const write = gql`mutation ($input: CreateOutreachDraftInput!) {
    createOutreachDraft(input: $input) { outreachDraft { id content } userErrors { code message } }
  }`;
  const input = { prospectId: "Prospect:42", draftType: "initial", content: "by urql" };
  const { data, error } = await client.mutation(write, { input }).toPromise();
  assert.equal(error, undefined, error?.message);
  assert.equal(data.createOutreachDraft.outreachDraft.content, "by urql");
  assert.equal(seen[0].method, "POST");
});

const drafts = gql`subscription ($after: String) { outreachDraftCreated(after: $after) { cursor draft { id } } }`;

async function follows(client) {
  const variables = { after: await latest() };
  const event = new Promise((resolve) => {
    const running = client.subscription(drafts, variables).subscribe((result) => {
      queueMicrotask(() => running.unsubscribe());
      resolve(result);
    });
  });
  const { id } = await writeDraft("for urql");
  const { data, error } = await event;
  assert.equal(error, undefined, error?.message);
  assert.equal(data.outreachDraftCreated.draft.id, id);
}

test("a subscription over graphql-ws delivers events", limit, async (t) => {
  const ws = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
  t.after(() => ws.dispose());
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: ws.subscribe(request, sink) }),
  });
  const { client } = recorded({ exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })] });
  await follows(client);
});

test("a subscription over fetch delivers events", limit, async () => {
  await follows(recorded({ fetchSubscriptions: true }).client);
});

test("the server still responds", stillAnswers);

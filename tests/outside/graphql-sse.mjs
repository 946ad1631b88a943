// The client of the package graphql-sse in distinct connections mode, and the raw protocol.

import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "graphql-sse";
import { answer, codes, endpoint, latest, shown, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };
const subscription = `subscription Drafts($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { content } }
}`;

function connected(name, body) {
  test(name, limit, async (t) => {
    const client = createClient({ url: endpoint, singleConnection: false, retryAttempts: 0 });
    t.after(() => client.dispose());
    await body(client);
  });
}

async function all(client, request) {
  const answers = [];
  for await (const one of client.iterate(request)) answers.push(one);
  return answers;
}

connected("a subscription delivers drafts created while it runs", async (client) => {
  const events = client.iterate({ query: subscription, variables: { after: await latest() } });
  const first = events.next();
  await writeDraft("one");
  assert.equal((await first).value.data.outreachDraftCreated.draft.content, "one");
  const second = events.next();
  await writeDraft("two");
  assert.equal((await second).value.data.outreachDraftCreated.draft.content, "two");
  await events.return();
});

connected("concurrent subscriptions both receive an event", async (client) => {
  const after = await latest();
  const both = [1, 2].map(() => client.iterate({ query: subscription, variables: { after } }));
  const events = both.map((one) => one.next());
  await writeDraft("to both");
  for (const event of events) {
    assert.equal((await event).value.data.outreachDraftCreated.draft.content, "to both");
  }
  await Promise.all(both.map((one) => one.return()));
});

connected("a query returns one event and completes", async (client) => {
  const answers = await all(client, { query: '{ prospect(id: "Prospect:42") { id } }' });
  assert.deepEqual(answers, [{ data: { prospect: { id: "Prospect:42" } } }]);
});

connected("a mutation returns one event and completes", async (client) => {
  const [{ data }, ...more] = await all(client, {
    query: `mutation {
      createOutreachDraft(input: { prospectId: "Prospect:7", draftType: "initial", content: "by events" }) {
        outreachDraft { content } userErrors { code }
      }
    }`,
  });
  assert.equal(data.createOutreachDraft.outreachDraft.content, "by events");
  assert.deepEqual(more, []);
});

for (const [name, query] of Object.entries({
  "syntax error": "subscription {",
  "unknown field": "subscription { nothingOfThisName }",
  "multiple root fields": "subscription { outreachDraftCreated { cursor } changes { cursor } }",
})) {
  // The protocol allows either rejecting the request or sending the errors as an event.
  connected(`an invalid document returns an error and does not hang: ${name}`, async (client) => {
    const outcome = await all(client, { query }).catch((error) => error);
    if (Array.isArray(outcome)) {
      assert.equal(outcome.length, 1, shown(outcome));
      codes(outcome[0]);
    } else {
      assert.ok(outcome.response, outcome.message);
      assert.ok(outcome.response.status >= 400 && outcome.response.status < 500, outcome.message);
    }
  });
}

const stream = { accept: "text/event-stream" };

test("POST streams `next` and `complete` events", limit, async () => {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { ...stream, "content-type": "application/json" },
    body: JSON.stringify({ query: "{ __typename }" }),
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/event-stream\b/);
  const events = (await response.text()).split("\n\n").filter((event) => event && !event.startsWith(":"));
  assert.equal(events.length, 2, shown(events));
  assert.match(events[0], /^event: ?next\ndata: ?\{"data":\{"__typename":"Query"\}\}$/);
  assert.match(events[1], /^event: ?complete\b/);
});

test("GET opens an event stream", limit, async () => {
  const query = encodeURIComponent("subscription { outreachDraftCreated { cursor } }");
  const abort = new AbortController();
  const response = await fetch(`${endpoint}?query=${query}`, { headers: stream, signal: abort.signal });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/event-stream\b/);
  abort.abort();
});

test("a mutation by GET is rejected for event streams too", limit, async () => {
  const query = encodeURIComponent('mutation { deleteProspect(input: { id: "Prospect:9" }) { userErrors { code } } }');
  const { status, json } = await answer(await fetch(`${endpoint}?query=${query}`, { headers: stream }));
  assert.equal(status, 405);
  assert.deepEqual(codes(json), ["METHOD_NOT_ALLOWED"]);
});

test("a subscription without `Accept: text/event-stream` is rejected", limit, async () => {
  for (const accept of ["application/json", "application/graphql-response+json", "*/*"]) {
    const { status, json } = await answer(await fetch(endpoint, {
      method: "POST",
      headers: { accept, "content-type": "application/json" },
      body: JSON.stringify({ query: "subscription { outreachDraftCreated { cursor } }" }),
    }));
    assert.ok(status >= 400 && status < 500, `${accept}: ${status}`);
    codes(json);
  }
});

test("the server still responds", stillAnswers);

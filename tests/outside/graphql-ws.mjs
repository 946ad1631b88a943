// The client of the package graphql-ws, used as in an application.

import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { codes, latest, socket, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };
const subscription = `subscription Drafts($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { content prospect { fullName } } }
}`;

/** A test with a client that never reconnects, so that a closed socket is detected. */
function connected(name, body, options = {}) {
  test(name, limit, async (t) => {
    const client = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
    t.after(() => client.dispose());
    await body(client);
  });
}

async function only(client, request) {
  const answers = [];
  for await (const answer of client.iterate(request)) answers.push(answer);
  assert.equal(answers.length, 1);
  return answers[0];
}

connected("a query returns its result", async (client) => {
  const query = "query One($id: ID!) { prospect(id: $id) { id company { name } } }";
  const { data, errors } = await only(client, { query, variables: { id: "Prospect:42" } });
  assert.equal(errors, undefined);
  assert.equal(data.prospect.id, "Prospect:42");
});

connected("`operationName` selects the operation", async (client) => {
  const query = "query A { a: __typename } query B { b: __typename }";
  assert.deepEqual((await only(client, { query, operationName: "B" })).data, { b: "Query" });
});

connected("a mutation uses the actor of `connection_init`", async (client) => {
  const query = `mutation {
    createOutreachDraft(input: { prospectId: "Prospect:7", draftType: "initial", content: "by socket" }) {
      outreachDraft { content authorKind authorName } userErrors { code }
    }
  }`;
  const { data } = await only(client, { query });
  assert.deepEqual(data.createOutreachDraft, {
    outreachDraft: { content: "by socket", authorKind: "WORKER", authorName: "outside" },
    userErrors: [],
  });
}, { connectionParams: { actor: "worker/outside" } });

connected("an unknown actor kind in `connection_init` is rejected", async (client) => {
  await assert.rejects(only(client, { query: "{ __typename }" }));
}, { connectionParams: { actor: "nonsense" } });

connected("a subscription delivers each draft once, in order", async (client) => {
  const events = client.iterate({ query: subscription, variables: { after: await latest() } });
  const written = ["one", "two", "three"];
  const writes = (async () => {
    for (const content of written) await writeDraft(content);
  })();
  const seen = [];
  for await (const { data, errors } of events) {
    assert.equal(errors, undefined);
    seen.push(data.outreachDraftCreated.draft.content);
    if (seen.length === written.length) break;
  }
  await writes;
  assert.deepEqual(seen, written);
});

connected("a subscription resumes after a cursor", async (client) => {
  const after = await latest();
  await writeDraft("while away, first");
  await writeDraft("while away, second");
  const seen = [];
  for await (const { data } of client.iterate({ query: subscription, variables: { after } })) {
    seen.push(data.outreachDraftCreated);
    if (seen.length === 2) break;
  }
  const [first, second] = seen.map(({ draft }) => draft.content);
  assert.deepEqual([first, second], ["while away, first", "while away, second"]);
  const rest = client.iterate({ query: subscription, variables: { after: seen[0].cursor } });
  assert.equal((await rest.next()).value.data.outreachDraftCreated.draft.content, second);
  await rest.return();
});

for (const [name, request] of Object.entries({
  "syntax error": { query: "{" },
  "unknown field": { query: "{ nothingOfThisName }" },
  "subscription with two root fields": {
    query: "subscription { outreachDraftCreated { cursor } changes { cursor } }",
  },
})) {
  connected(`an error keeps the socket open: ${name}`, async (client) => {
    let closed = false;
    client.on("closed", () => { closed = true; });
    // Keeps the socket open; the client closes idle sockets.
    const other = client.iterate({ query: subscription, variables: { after: await latest() } });
    const event = other.next();
    const refusal = await only(client, request).then(() => undefined, (errors) => errors);
    codes({ errors: refusal });
    await writeDraft(`after ${name}`);
    assert.equal((await event).value.data.outreachDraftCreated.draft.content, `after ${name}`);
    assert.ok(!closed);
    await other.return();
  });
}

connected("100 concurrent queries succeed", async (client) => {
  const numbers = Array.from({ length: 100 }, (_, n) => n + 1);
  const query = "query One($id: ID!) { prospect(id: $id) { id } }";
  const answers = await Promise.all(
    numbers.map((n) => only(client, { query, variables: { id: `Prospect:${n}` } })),
  );
  assert.deepEqual(answers.map(({ data }) => data.prospect.id), numbers.map((n) => `Prospect:${n}`));
});

connected("a client ping is answered", async (client) => {
  const pong = new Promise((resolve) => client.on("pong", (received) => received && resolve()));
  const other = client.iterate({ query: subscription, variables: { after: await latest() } });
  other.next().catch(() => {});
  await pong;
  await other.return();
}, { keepAlive: 200 });

test("the server still responds", stillAnswers);

// Apollo Client: cache, pagination, links for batches and persisted queries, and subscriptions.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { endpoint, latest, socket, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };

/** A `fetch` function for a link; records the requests that it sends. */
function recorder() {
  const sent = [];
  return {
    sent,
    fetch: async (url, options) => {
      const response = await fetch(url, options);
      sent.push({ method: options.method, url: new URL(url), body: options.body, status: response.status });
      return response;
    },
  };
}
const client = (link, typePolicies) => new ApolloClient({ link, cache: new InMemoryCache({ typePolicies }) });
const overHttp = (options) => client(new HttpLink({ uri: endpoint, ...options }));

test("a repeated query is served from the normalized cache", limit, async () => {
  const { sent, fetch } = recorder();
  const apollo = overHttp({ fetch });
  const query = gql`query ($id: ID!) { prospect(id: $id) { id fullName company { id name } } }`;
  const { data } = await apollo.query({ query, variables: { id: "Prospect:42" } });
  await apollo.query({ query, variables: { id: "Prospect:42" } });
  assert.equal(sent.length, 1);
  const cached = apollo.cache.extract();
  assert.equal(cached["Prospect:Prospect:42"].fullName, data.prospect.fullName);
  assert.equal(cached[`Company:${data.prospect.company.id}`].name, data.prospect.company.name);
});

test("a mutation updates the row in the cache", limit, async () => {
  const apollo = overHttp();
  const query = gql`query { prospect(id: "Prospect:43") { id location revision } }`;
  const before = (await apollo.query({ query })).data.prospect;
  const { data } = await apollo.mutate({
    mutation: gql`mutation ($input: UpdateProspectInput!) {
      updateProspect(input: $input) { prospect { id location revision } userErrors { code message } }
    }`,
    variables: { input: { id: before.id, expectedRevision: before.revision, patch: { location: "Outside" } } },
  });
  assert.deepEqual(data.updateProspect.userErrors, []);
  const after = apollo.readQuery({ query }).prospect;
  assert.deepEqual([after.location, after.revision], ["Outside", before.revision + 1]);
});

test("an invalid query returns its errors", limit, async () => {
  const query = gql`{ nothingOfThisName }`;
  await assert.rejects(overHttp().query({ query }), (error) => {
    assert.equal(error.errors?.[0].extensions.code, "GRAPHQL_VALIDATION_FAILED", error.message);
    return true;
  });
});

test("relayStylePagination merges successive pages into one list", limit, async () => {
  const apollo = client(new HttpLink({ uri: endpoint }), {
    Query: { fields: { prospects: relayStylePagination(["filter", "orderBy"]) } },
  });
  const query = gql`query ($after: String) {
    prospects(
      first: 7, after: $after, filter: { company: { name: { startsWith: "A" } } }, orderBy: [{ fullName: ASC }]
    ) {
      totalCount
      edges { cursor node { id fullName } }
      pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
    }
  }`;
  const watched = apollo.watchQuery({ query });
  const watching = watched.subscribe(() => {});
  let { prospects } = (await apollo.query({ query })).data;
  let pages = 1;
  while (prospects.pageInfo.hasNextPage) {
    await watched.fetchMore({ variables: { after: prospects.pageInfo.endCursor } });
    ({ prospects } = apollo.readQuery({ query }));
    pages += 1;
  }
  watching.unsubscribe();
  assert.ok(pages > 1, "expected more than one page");
  const ids = prospects.edges.map(({ node }) => node.id);
  assert.equal(ids.length, prospects.totalCount);
  assert.equal(new Set(ids).size, ids.length);
});

const batched = (batchMax) => {
  const { sent, fetch } = recorder();
  const apollo = client(new BatchHttpLink({ uri: endpoint, batchMax, batchInterval: 50, fetch }));
  const query = gql`query ($id: ID!) { prospect(id: $id) { id } }`;
  const ids = Array.from({ length: batchMax }, (_, n) => `Prospect:${n + 1}`);
  const answers = ids.map((id) => apollo.query({ query, variables: { id }, fetchPolicy: "no-cache" }));
  return { sent, ids, answers };
};

test("a batch of 10 returns results in request order", limit, async () => {
  const { sent, ids, answers } = batched(10);
  const got = (await Promise.all(answers)).map(({ data }) => data.prospect.id);
  assert.deepEqual(got, ids);
  assert.equal(sent.length, 1);
});

test("a batch of 11 is rejected", limit, async () => {
  const { sent, answers } = batched(11);
  const outcomes = await Promise.allSettled(answers);
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  assert.equal(sent.length, 1);
  assert.ok(sent[0].status >= 400 && sent[0].status < 500, `status ${sent[0].status}`);
});

for (const useGETForHashedQueries of [false, true]) {
  test(`persisted queries by ${useGETForHashedQueries ? "GET" : "POST"} are registered and reused`, limit, async () => {
    const { sent, fetch } = recorder();
    const sha256 = (text) => createHash("sha256").update(text).digest("hex");
    const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries });
    const apollo = client(ApolloLink.from([persisted, new HttpLink({ uri: endpoint, fetch })]));
    const name = useGETForHashedQueries ? "ByGet" : "ByPost";
    const query = gql(`query ${name}($id: ID!) { prospect(id: $id) { id } }`);
    for (const id of ["Prospect:1", "Prospect:2"]) {
      const { data } = await apollo.query({ query, variables: { id } });
      assert.equal(data.prospect.id, id);
    }
    const method = useGETForHashedQueries ? "GET" : "POST";
    const text = ({ url, body }) => body ?? url.searchParams.toString();
    // First the unknown hash, then the hash with the query, and from then on only the hash.
    assert.equal(sent.length, 3);
    assert.deepEqual([sent[0].method, sent[2].method], [method, method]);
    assert.deepEqual(sent.map((one) => /\bquery[="]/.test(text(one))), [false, true, false]);
  });
}

test("GraphQLWsLink delivers subscription events", limit, async (t) => {
  const ws = createClient({ url: socket, webSocketImpl: WebSocket, retryAttempts: 0 });
  t.after(() => ws.dispose());
  const apollo = client(new GraphQLWsLink(ws));
  const query = gql`subscription ($after: String) {
    outreachDraftCreated(after: $after) { cursor draft { id content } }
  }`;
  const variables = { after: await latest() };
  const event = new Promise((resolve, reject) => {
    const running = apollo.subscribe({ query, variables }).subscribe({
      next: (result) => {
        running.unsubscribe();
        resolve(result);
      },
      error: reject,
    });
  });
  const draft = await writeDraft("for Apollo");
  assert.equal((await event).data.outreachDraftCreated.draft.id, draft.id);
});

test("the server still responds", stillAnswers);

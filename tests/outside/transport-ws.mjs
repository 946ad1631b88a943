// The protocol graphql-transport-ws message by message, with a socket that keeps to nothing: what a
// client that is careful never sends.

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import WebSocket from "ws";
import { codes, latest, origin, shown, socket, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };
const init = { type: "connection_init" };
const drafts = "subscription { outreachDraftCreated { cursor draft { content } } }";
const subscribe = (id, query = "{ __typename }") => ({ id, type: "subscribe", payload: { query } });

/** A socket whose messages are read one after the other. `closed` is the code it was closed with. */
class Raw {
  constructor({ protocols = "graphql-transport-ws", address = socket, ...options } = {}) {
    this.ws = new WebSocket(address, protocols, options);
    this.waiting = [];
    this.messages = [];
    this.refused = new Promise((resolve) => this.ws.once("unexpected-response", (_, response) => {
      resolve(response.statusCode);
      this.ws.terminate();
    }));
    this.opened = new Promise((resolve, reject) => this.ws.once("open", resolve).once("error", reject));
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.ws.once("close", resolve));
    this.closed.then((code) => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`closed with ${code}`));
    });
    this.ws.on("error", () => {});
    this.ws.on("message", (text) => {
      const message = JSON.parse(text);
      const next = this.waiting.shift();
      if (next) next.resolve(message);
      else this.messages.push(message);
    });
  }

  send(message) {
    this.ws.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The next message; pings of the server are answered on the way. */
  async next() {
    const message = this.messages.shift()
      ?? await new Promise((resolve, reject) => {
        if (this.ws.readyState > WebSocket.OPEN) reject(new Error("the socket is closed"));
        else this.waiting.push({ resolve, reject });
      });
    if (message.type !== "ping") return message;
    this.send({ type: "pong" });
    return this.next();
  }

  async expect(type, id) {
    const message = await this.next();
    assert.equal(message.type, type, shown(message));
    assert.equal(message.id, id, shown(message));
    return message;
  }

  /** Runs a query to its end: the socket is open and does its work. */
  async works(id = "works") {
    this.send(subscribe(id));
    assert.equal((await this.expect("next", id)).payload.data.__typename, "Query");
    await this.expect("complete", id);
  }
}

/** A test with a socket that is acknowledged already, and closed in the end. */
function acknowledged(name, body) {
  test(name, limit, async (t) => {
    const raw = new Raw();
    t.after(() => raw.ws.terminate());
    await raw.opened;
    raw.send(init);
    await raw.expect("connection_ack", undefined);
    await body(raw);
  });
}

/** A test with a socket on which nothing was said. */
function fresh(name, options, body) {
  test(name, limit, async (t) => {
    const raw = new Raw(options);
    t.after(() => raw.ws.terminate());
    await body(raw);
  });
}

for (const [name, message] of Object.entries({
  "no JSON": "nonsense",
  "null": null,
  "a list": [],
  "a text": '"connection_init"',
  "no type": {},
  "an unknown type": { type: "nonsense" },
  "a type that is no text": { type: 1 },
  "subscribe without id": { type: "subscribe", payload: { query: "{ __typename }" } },
  "subscribe with an id that is no text": subscribe(1),
  "subscribe without payload": { id: "1", type: "subscribe" },
  "subscribe with null as payload": { id: "1", type: "subscribe", payload: null },
  "subscribe without query": { id: "1", type: "subscribe", payload: {} },
  "subscribe with null as query": { id: "1", type: "subscribe", payload: { query: null } },
  "subscribe with a query that is no text": { id: "1", type: "subscribe", payload: { query: 1 } },
  "complete without id": { type: "complete" },
})) {
  acknowledged(`4400: ${name}`, async (raw) => {
    raw.send(message);
    assert.equal(await raw.closed, 4400);
  });
}

fresh("4400 before init: no JSON", {}, async (raw) => {
  await raw.opened;
  raw.send("nonsense");
  assert.equal(await raw.closed, 4400);
});

fresh("4401: subscribe before init", {}, async (raw) => {
  await raw.opened;
  raw.send(subscribe("1"));
  assert.equal(await raw.closed, 4401);
});

for (const [name, protocols] of Object.entries({ "an unknown subprotocol": "nonsense", "none": [] })) {
  fresh(`4406, or refused: ${name}`, { protocols }, async (raw) => {
    const outcome = await Promise.race([raw.refused, raw.closed]);
    assert.ok(outcome === 4406 || (outcome >= 400 && outcome < 500), `the outcome is ${outcome}`);
  });
}

test("4408: no init in time", limit, async (t) => {
  assert.ok(env.SALESGRAPH_IMPATIENT_URL, "the server does not start with --socket-init-timeout 2");
  const raw = new Raw({ address: `${env.SALESGRAPH_IMPATIENT_URL.replace(/^http/, "ws")}/graphql` });
  t.after(() => raw.ws.terminate());
  await raw.opened;
  const start = performance.now();
  // A ping is no init: it must not buy more time.
  const pings = setInterval(() => raw.ws.readyState === WebSocket.OPEN && raw.send({ type: "ping" }), 500);
  t.after(() => clearInterval(pings));
  assert.equal(await raw.closed, 4408);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds > 1.5 && seconds < 4, `closed after ${seconds} s`);
});

test("4408 is not for who was acknowledged", limit, async (t) => {
  assert.ok(env.SALESGRAPH_IMPATIENT_URL, "the server does not start with --socket-init-timeout 2");
  const raw = new Raw({ address: `${env.SALESGRAPH_IMPATIENT_URL.replace(/^http/, "ws")}/graphql` });
  t.after(() => raw.ws.terminate());
  await raw.opened;
  raw.send(init);
  await raw.expect("connection_ack", undefined);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await raw.works();
});

acknowledged("4409: an id that is active", async (raw) => {
  raw.send(subscribe("1", drafts));
  raw.send(subscribe("1", drafts));
  assert.equal(await raw.closed, 4409);
});

acknowledged("4429: a second init", async (raw) => {
  raw.send(init);
  assert.equal(await raw.closed, 4429);
});

fresh("ping before init", {}, async (raw) => {
  await raw.opened;
  raw.send({ type: "ping" });
  await raw.expect("pong", undefined);
  raw.send(init);
  await raw.expect("connection_ack", undefined);
});

acknowledged("ping after init; a pong that nobody asked for is ignored", async (raw) => {
  raw.send({ type: "pong" });
  raw.send({ type: "ping", payload: { any: 1 } });
  await raw.expect("pong", undefined);
});

acknowledged("complete of an unknown id is ignored", async (raw) => {
  raw.send({ id: "unknown", type: "complete" });
  await raw.works();
});

acknowledged("an id is free again when its query is answered", async (raw) => {
  await raw.works("1");
  await raw.works("1");
});

acknowledged("an id is free again when its subscription was completed", async (raw) => {
  raw.send(subscribe("1", drafts));
  raw.send({ id: "1", type: "complete" });
  await raw.works("1");
});

for (const [name, query] of Object.entries({
  "what can't be parsed": "{",
  "what is not valid": "{ nothingOfThisName }",
  "an operation without its variable": "query ($id: ID!) { prospect(id: $id) { id } }",
  "a subscription with two root fields": "subscription { a: outreachDraftCreated { cursor } b: changes { cursor } }",
  "a subscription with two root fields by a fragment":
    "subscription { outreachDraftCreated { cursor } ...F } fragment F on Subscription { changes { cursor } }",
  "a subscription with a field that does not exist": "subscription { nothingOfThisName }",
  "1,000 aliases": `{ ${Array.from({ length: 1000 }, (_, n) => `a${n}: __typename`).join(" ")} }`,
})) {
  acknowledged(`error, and the socket stays open: ${name}`, async (raw) => {
    raw.send(subscribe("1", query));
    const { payload } = await raw.expect("error", "1");
    codes({ errors: payload });
    await raw.works("1");
  });
}

acknowledged("the 101st subscription is an error; there is room when one completes", async (raw) => {
  const query = drafts.replace("Created", `Created(after: ${JSON.stringify(await latest())})`);
  for (let n = 1; n <= 99; n++) raw.send(subscribe(`s${n}`, query));
  await raw.works();
  raw.send(subscribe("s100", query));
  raw.send(subscribe("s101", query));
  codes({ errors: (await raw.expect("error", "s101")).payload });
  raw.send({ id: "s1", type: "complete" });
  raw.send(subscribe("s101", query));
  raw.send({ type: "ping" });
  await raw.expect("pong", undefined);
  const { content } = await writeDraft("to a hundred subscriptions");
  const reached = new Set();
  while (reached.size < 100) {
    const { id, type, payload } = await raw.next();
    assert.equal(type, "next", shown(payload));
    assert.equal(payload.data.outreachDraftCreated.draft.content, content);
    reached.add(id);
  }
  assert.ok(reached.has("s101") && !reached.has("s1"));
});

acknowledged("a message of 20 MB is refused", async (raw) => {
  raw.send(subscribe("1", `{ __typename } # ${"x".repeat(20_000_000)}`));
  await raw.closed;
});

acknowledged("a close is answered with a close", async (raw) => {
  raw.ws.close(1000);
  assert.equal(await raw.closed, 1000);
});

for (const foreign of ["http://evil.example", "https://localhost.evil.example", "null"]) {
  fresh(`Origin ${foreign} is refused`, { origin: foreign }, async (raw) => {
    const outcome = await Promise.race([raw.refused, raw.opened.then(() => "opened")]);
    assert.ok(outcome >= 400 && outcome < 500, `the outcome is ${outcome}`);
  });
}

fresh("its own Origin is welcome", { origin }, async (raw) => {
  await raw.opened;
});

test("the server still answers", stillAnswers);

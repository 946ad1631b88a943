// The graphql-transport-ws protocol message by message, including protocol violations that a regular client never
// sends.

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import WebSocket from "ws";
import { codes, latest, origin, shown, socket, stillAnswers, writeDraft } from "./server.mjs";

const limit = { timeout: 15_000 };
const init = { type: "connection_init" };
const drafts = "subscription { outreachDraftCreated { cursor draft { content } } }";
const subscribe = (id, query = "{ __typename }") => ({ id, type: "subscribe", payload: { query } });

/** A socket with a queue of received messages. `closed` resolves to the close code. */
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

  /** Returns the next message; server pings are answered automatically. */
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

  /** Runs a query to completion, which proves that the socket is open and usable. */
  async works(id = "works") {
    this.send(subscribe(id));
    assert.equal((await this.expect("next", id)).payload.data.__typename, "Query");
    await this.expect("complete", id);
  }
}

/** A test with an acknowledged socket, which is closed at the end. */
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

/** A test with a new socket, on which no message has been sent. */
function fresh(name, options, body) {
  test(name, limit, async (t) => {
    const raw = new Raw(options);
    t.after(() => raw.ws.terminate());
    await body(raw);
  });
}

for (const [name, message] of Object.entries({
  "not JSON": "nonsense",
  "null": null,
  "an array": [],
  "a string": '"connection_init"',
  "no type": {},
  "an unknown type": { type: "nonsense" },
  "a type that is not a string": { type: 1 },
  "subscribe without id": { type: "subscribe", payload: { query: "{ __typename }" } },
  "subscribe with an id that is not a string": subscribe(1),
  "subscribe without payload": { id: "1", type: "subscribe" },
  "subscribe with a null payload": { id: "1", type: "subscribe", payload: null },
  "subscribe without query": { id: "1", type: "subscribe", payload: {} },
  "subscribe with a null query": { id: "1", type: "subscribe", payload: { query: null } },
  "subscribe with a query that is not a string": { id: "1", type: "subscribe", payload: { query: 1 } },
  "complete without id": { type: "complete" },
})) {
  acknowledged(`4400: ${name}`, async (raw) => {
    raw.send(message);
    assert.equal(await raw.closed, 4400);
  });
}

fresh("4400 before init: not JSON", {}, async (raw) => {
  await raw.opened;
  raw.send("nonsense");
  assert.equal(await raw.closed, 4400);
});

fresh("4401: subscribe before init", {}, async (raw) => {
  await raw.opened;
  raw.send(subscribe("1"));
  assert.equal(await raw.closed, 4401);
});

for (const [name, protocols] of Object.entries({ "unknown subprotocol": "nonsense", "no subprotocol": [] })) {
  fresh(`4406 or a rejected handshake: ${name}`, { protocols }, async (raw) => {
    const outcome = await Promise.race([raw.refused, raw.closed]);
    assert.ok(outcome === 4406 || (outcome >= 400 && outcome < 500), `the outcome is ${outcome}`);
  });
}

test("4408: no init before the timeout", limit, async (t) => {
  assert.ok(env.SALESGRAPH_IMPATIENT_URL, "the server did not start with --socket-init-timeout 2");
  const raw = new Raw({ address: `${env.SALESGRAPH_IMPATIENT_URL.replace(/^http/, "ws")}/graphql` });
  t.after(() => raw.ws.terminate());
  await raw.opened;
  const start = performance.now();
  // A ping must not extend the init timeout.
  const pings = setInterval(() => raw.ws.readyState === WebSocket.OPEN && raw.send({ type: "ping" }), 500);
  t.after(() => clearInterval(pings));
  assert.equal(await raw.closed, 4408);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds > 1.5 && seconds < 4, `closed after ${seconds} s`);
});

test("the init timeout does not close an acknowledged socket", limit, async (t) => {
  assert.ok(env.SALESGRAPH_IMPATIENT_URL, "the server did not start with --socket-init-timeout 2");
  const raw = new Raw({ address: `${env.SALESGRAPH_IMPATIENT_URL.replace(/^http/, "ws")}/graphql` });
  t.after(() => raw.ws.terminate());
  await raw.opened;
  raw.send(init);
  await raw.expect("connection_ack", undefined);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await raw.works();
});

acknowledged("4409: an id that is already active", async (raw) => {
  raw.send(subscribe("1", drafts));
  raw.send(subscribe("1", drafts));
  assert.equal(await raw.closed, 4409);
});

acknowledged("4429: a second init", async (raw) => {
  raw.send(init);
  assert.equal(await raw.closed, 4429);
});

fresh("ping before init is answered", {}, async (raw) => {
  await raw.opened;
  raw.send({ type: "ping" });
  await raw.expect("pong", undefined);
  raw.send(init);
  await raw.expect("connection_ack", undefined);
});

acknowledged("ping after init is answered; an unsolicited pong is ignored", async (raw) => {
  raw.send({ type: "pong" });
  raw.send({ type: "ping", payload: { any: 1 } });
  await raw.expect("pong", undefined);
});

acknowledged("complete for an unknown id is ignored", async (raw) => {
  raw.send({ id: "unknown", type: "complete" });
  await raw.works();
});

acknowledged("an id can be reused after its query completes", async (raw) => {
  await raw.works("1");
  await raw.works("1");
});

acknowledged("an id can be reused after its subscription is completed", async (raw) => {
  raw.send(subscribe("1", drafts));
  raw.send({ id: "1", type: "complete" });
  await raw.works("1");
});

for (const [name, query] of Object.entries({
  "syntax error": "{",
  "validation error": "{ nothingOfThisName }",
  "missing variable": "query ($id: ID!) { prospect(id: $id) { id } }",
  "subscription with two root fields": "subscription { a: outreachDraftCreated { cursor } b: changes { cursor } }",
  "subscription with a second root field in a fragment":
    "subscription { outreachDraftCreated { cursor } ...F } fragment F on Subscription { changes { cursor } }",
  "subscription with an unknown field": "subscription { nothingOfThisName }",
  "1,000 aliases": `{ ${Array.from({ length: 1000 }, (_, n) => `a${n}: __typename`).join(" ")} }`,
})) {
  acknowledged(`an error keeps the socket open: ${name}`, async (raw) => {
    raw.send(subscribe("1", query));
    const { payload } = await raw.expect("error", "1");
    codes({ errors: payload });
    await raw.works("1");
  });
}

acknowledged("the 101st subscription is rejected until another one completes", async (raw) => {
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

acknowledged("a message of 20 MB closes the socket", async (raw) => {
  raw.send(subscribe("1", `{ __typename } # ${"x".repeat(20_000_000)}`));
  await raw.closed;
});

acknowledged("the server completes the close handshake", async (raw) => {
  raw.ws.close(1000);
  assert.equal(await raw.closed, 1000);
});

for (const foreign of ["http://evil.example", "https://localhost.evil.example", "null"]) {
  fresh(`Origin ${foreign} is rejected`, { origin: foreign }, async (raw) => {
    const outcome = await Promise.race([raw.refused, raw.opened.then(() => "opened")]);
    assert.ok(outcome >= 400 && outcome < 500, `the outcome is ${outcome}`);
  });
}

fresh("the server's own Origin is accepted", { origin }, async (raw) => {
  await raw.opened;
});

test("the server still responds", stillAnswers);

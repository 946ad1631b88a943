// A client as it should be: it asks by POST, it subscribes, and where it was cut off it goes on from its
// last cursor. Every outcome has a code, so that failures can be counted by kind.

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// Found by NODE_PATH, which only `require` looks at.
export const WebSocket = createRequire(import.meta.url)('ws');

export const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/**
 * Asks, and gives `{ code, data, text, ms, begun }`. `code` is null for an answer without errors, the code of
 * the first error, or what kept the answer away: NETWORK, PATIENCE (we gave up), UNCODED, HTTP and its status.
 */
export async function ask(server, query, variables = {}, { patience = 20_000, signal } = {}) {
  const begun = performance.now();
  const outcome = (code, rest) => ({ code, begun, ms: performance.now() - begun, ...rest });
  const timeout = AbortSignal.timeout(patience);
  try {
    const response = await fetch(`${server.address}/graphql`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ query, variables }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const text = await response.text();
    let answer;
    try {
      answer = JSON.parse(text);
    } catch {
      return outcome(`HTTP ${response.status}`, { text });
    }
    const [error] = answer.errors ?? [];
    if (error) return outcome(error.extensions?.code ?? 'UNCODED', { text });
    return outcome(null, { data: answer.data });
  } catch (error) {
    if (timeout.aborted) return outcome('PATIENCE');
    return outcome('NETWORK', { text: String(error.cause ?? error) });
  }
}

/** Asks for what must succeed for the fault to be tried at all. */
export async function demand(server, query, variables) {
  const answer = await ask(server, query, variables);
  if (answer.code) throw new Error(`${answer.code}: ${answer.text} (for ${query.slice(0, 200)})`);
  return answer.data;
}

/** How many outcomes there were of each code: `UNAVAILABLE 12, NETWORK 1`. */
export function tally(outcomes) {
  const counts = new Map();
  for (const { code } of outcomes) if (code) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(', ') || 'none';
}

/** Waits until `holds`, for so many milliseconds; gives how long it took, or null when it did not come. */
export async function until(holds, patience, pause = 50) {
  const begun = performance.now();
  for (;;) {
    if (await holds()) return performance.now() - begun;
    if (performance.now() - begun > patience) return null;
    await sleep(pause);
  }
}

export const NEW_DRAFTS = `subscription NewDrafts($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { id } } }`;

/** Follows a subscription on a WebSocket of its own. */
export class Subscriber {
  /** The keys of what came, in order; and whatever ended the stream or kept an event from it. */
  received = [];
  endings = [];
  cursor = null;
  #leaving = false;

  constructor(server, query = NEW_DRAFTS, { port = server.port } = {}) {
    this.url = `ws://127.0.0.1:${port}/graphql`;
    this.query = query;
    this.#connect();
  }

  /** Opens so many, and waits until all are greeted. */
  static async open(count, ...rest) {
    const subscribers = Array.from({ length: count }, () => new Subscriber(...rest));
    await Promise.all(subscribers.map((subscriber) => subscriber.greeted));
    return subscribers;
  }

  #connect() {
    this.socket = new WebSocket(this.url, 'graphql-transport-ws');
    this.greeted = new Promise((resolve) => (this.greet = resolve));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        resolve(code);
        this.#goOn(`closed ${code}`, () => this.#connect());
      });
    });
    // What is wrong is told by `close` too, which follows.
    this.socket.on('error', () => {});
    this.socket.on('open', () => this.#send({ type: 'connection_init' }));
    this.socket.on('message', (bytes) => this.#hear(JSON.parse(bytes)));
  }

  #send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  #subscribe() {
    const payload = { query: this.query, variables: { after: this.cursor } };
    this.#send({ id: `${this.endings.length}`, type: 'subscribe', payload });
  }

  #hear(message) {
    if (message.type === 'connection_ack') {
      this.#subscribe();
      this.greet();
    } else if (message.type === 'ping') {
      this.#send({ type: 'pong' });
    } else if (message.type === 'error' || message.type === 'complete') {
      this.#goOn(message.type, () => this.#subscribe());
    } else if (message.type === 'next' && message.payload.errors) {
      // The stream goes on past an event that it did not tell: for us that event is missing.
      this.endings.push(`a hole, ${message.payload.errors[0].extensions?.code ?? 'UNCODED'}`);
    } else if (message.type === 'next') {
      const [event] = Object.values(message.payload.data);
      this.cursor = event.cursor;
      this.received.push(event.draft?.id ?? event.cursor);
    }
  }

  /** Told that it ended, a client goes on from where it was; after a second, as everyone else does so too. */
  async #goOn(ending, again) {
    if (this.#leaving) return;
    this.endings.push(ending);
    await sleep(1_000);
    if (!this.#leaving) again();
  }

  /** What ended the streams of these, and how often. */
  static endings(subscribers) {
    return tally(subscribers.flatMap(({ endings }) => endings.map((code) => ({ code }))));
  }

  /** Of `expected` keys: how many did not come, how many came twice or more. */
  compare(expected) {
    const distinct = new Set(this.received);
    const missing = [...expected].filter((key) => !distinct.has(key)).length;
    return { missing, twice: this.received.length - distinct.size };
  }

  /** It does not come back from here on. */
  leave() {
    this.#leaving = true;
    this.socket.terminate();
  }

  /** It stays, but does not come back when the server ends it. */
  stay() {
    this.#leaving = true;
  }
}

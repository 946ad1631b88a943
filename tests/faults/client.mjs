// A well-behaved client: sends requests by POST, subscribes, and resumes from its last cursor after a disconnect. Every
// outcome has a code, so that failures can be counted by kind.

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// Resolved through NODE_PATH, which only `require` supports.
export const WebSocket = createRequire(import.meta.url)('ws');

export const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/**
 * Sends a request and returns `{ code, data, text, ms, begun }`. `code` is null for a response without errors, or the
 * code of the first error, or the reason for the failure: NETWORK, TIMEOUT, UNCODED, or HTTP and its status.
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
    if (timeout.aborted) return outcome('TIMEOUT');
    return outcome('NETWORK', { text: String(error.cause ?? error) });
  }
}

/** Sends a setup request that must succeed for the fault to be tested. */
export async function demand(server, query, variables) {
  const answer = await ask(server, query, variables);
  if (answer.code) throw new Error(`${answer.code}: ${answer.text} (query: ${query.slice(0, 200)})`);
  return answer.data;
}

/** The number of outcomes per code: `UNAVAILABLE 12, NETWORK 1`. */
export function tally(outcomes) {
  const counts = new Map();
  for (const { code } of outcomes) if (code) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(', ') || 'none';
}

/** Waits until `holds` returns true, at most `patience` ms; returns the elapsed time in ms, or null on timeout. */
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

/** A subscription on its own WebSocket. */
export class Subscriber {
  /** The IDs of received events in order. `endings` lists the reasons why the stream ended or an event was lost. */
  received = [];
  endings = [];
  cursor = null;
  #leaving = false;

  constructor(server, query = NEW_DRAFTS, { port = server.port } = {}) {
    this.url = `ws://127.0.0.1:${port}/graphql`;
    this.query = query;
    this.#connect();
  }

  /** Opens `count` subscribers and waits until all connections are acknowledged. */
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
    // A `close` event follows every error.
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
      // The stream continues after an event with errors, so that event counts as missing.
      this.endings.push(`event with errors, ${message.payload.errors[0].extensions?.code ?? 'UNCODED'}`);
    } else if (message.type === 'next') {
      const [event] = Object.values(message.payload.data);
      this.cursor = event.cursor;
      this.received.push(event.draft?.id ?? event.cursor);
    }
  }

  /** Resumes after the stream has ended. Waits one second, because all clients reconnect at the same time. */
  async #goOn(ending, again) {
    if (this.#leaving) return;
    this.endings.push(ending);
    await sleep(1_000);
    if (!this.#leaving) again();
  }

  /** Counts the reasons why the streams of these subscribers ended. */
  static endings(subscribers) {
    return tally(subscribers.flatMap(({ endings }) => endings.map((code) => ({ code }))));
  }

  /** The number of `expected` IDs that are missing, and the number of duplicate events. */
  compare(expected) {
    const distinct = new Set(this.received);
    const missing = [...expected].filter((key) => !distinct.has(key)).length;
    return { missing, twice: this.received.length - distinct.size };
  }

  /** Disconnects without reconnecting. */
  leave() {
    this.#leaving = true;
    this.socket.terminate();
  }

  /** Stays connected, but does not reconnect after the server closes the connection. */
  stay() {
    this.#leaving = true;
  }
}

// Clients: one sends requests, each on a new connection; the other subscribes to new drafts by server-sent events and
// resumes from its last cursor after a disconnect.

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

function post(port, query, variables, accept, agent) {
  const headers = { 'content-type': 'application/json', accept };
  const place = { host: '127.0.0.1', port, path: '/graphql', method: 'POST', agent, headers };
  const request = http.request(place);
  request.end(JSON.stringify({ query, variables }));
  return request;
}

async function answer(request) {
  const response = await new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, text };
}

/**
 * Sends a request and returns `{ code, data, text, begun, ms }`. `code` is null for a response without errors, or the
 * code of the first error, or the reason for the failure: NETWORK, TIMEOUT, UNCODED, or HTTP and its status. Without an
 * agent, a new connection is opened.
 */
export async function ask(port, query, variables = {}, { agent = false, patience = 20_000 } = {}) {
  const begun = performance.now();
  const outcome = (code, rest) => ({ code, begun, ms: performance.now() - begun, ...rest });
  const request = post(port, query, variables, 'application/json', agent);
  const alarm = setTimeout(() => request.destroy(new Error('TIMEOUT')), patience);
  try {
    const { status, text } = await answer(request);
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      return outcome(`HTTP ${status}`, { text });
    }
    const [error] = json.errors ?? [];
    if (error) return outcome(error.extensions?.code ?? 'UNCODED', { text });
    return outcome(null, { data: json.data });
  } catch (error) {
    const gaveUp = error.message === 'TIMEOUT';
    return outcome(gaveUp ? 'TIMEOUT' : 'NETWORK', { text: String(error) });
  } finally {
    clearTimeout(alarm);
  }
}

/** Sends a setup request that must succeed for the check to run. */
export async function demand(port, query, variables) {
  const { code, text, data } = await ask(port, query, variables);
  if (code) throw new Error(`${code}: ${text} (query: ${query.slice(0, 200)})`);
  return data;
}

/**
 * Sends a mutation with one root field; `row` is the row it wrote. The code is REJECTED if the input was rejected, and
 * NO_RESULT if the payload has neither a row nor a user error.
 */
export async function write(port, mutation, input, options) {
  const outcome = await ask(port, mutation, { input }, options);
  if (outcome.code) return outcome;
  const [{ userErrors, ...payload }] = Object.values(outcome.data);
  const [row] = Object.values(payload);
  if (row) return { ...outcome, row };
  if (!userErrors.length) return { ...outcome, code: 'NO_RESULT', text: JSON.stringify(outcome.data) };
  return { ...outcome, code: 'REJECTED', text: userErrors[0].message };
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

const NEW_DRAFTS = `subscription NewDrafts($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { id } } }`;

/** A subscriber to new drafts. */
export class Subscriber {
  /** Received events in order: draft ID and time of arrival. */
  received = [];
  endings = 0;
  #leaving = false;
  #request;

  /** Connects to `port`; reconnects to the port `again` after a disconnect. */
  constructor(port, again, cursor) {
    Object.assign(this, { again, cursor });
    this.#follow(port);
  }

  async #follow(port) {
    while (!this.#leaving) {
      await this.#stream(port).catch(() => {});
      if (this.#leaving) return;
      this.endings += 1;
      await sleep(100);
      port = this.again;
    }
  }

  async #stream(port) {
    this.#request = post(port, NEW_DRAFTS, { after: this.cursor }, 'text/event-stream', false);
    const response = await new Promise((resolve, reject) => {
      this.#request.on('response', resolve);
      this.#request.on('error', reject);
    });
    let rest = '';
    for await (const part of response.setEncoding('utf8')) {
      const events = (rest + part).split('\n\n');
      rest = events.pop();
      events.forEach((event) => this.#hear(event));
    }
  }

  #hear(event) {
    const lines = event.split('\n').filter((line) => line.startsWith('data:'));
    const text = lines.map((line) => line.slice('data:'.length)).join('\n');
    // `complete` events and keep-alive comments have no data.
    if (!text.trim()) return;
    const told = JSON.parse(text).data?.outreachDraftCreated;
    if (!told) return;
    this.cursor = told.cursor;
    this.received.push({ id: told.draft.id, at: performance.now() });
  }

  leave() {
    this.#leaving = true;
    this.#request.destroy();
  }
}

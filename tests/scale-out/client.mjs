// Clients: one that asks, on a new connection each time, and one that follows new drafts as server-sent events
// and goes on from its last cursor where it was cut off.

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
 * Asks, and gives `{ code, data, text, begun, ms }`. `code` is null for an answer without errors, the code of the
 * first error, or what kept the answer away: NETWORK, PATIENCE (we gave up), UNCODED, HTTP and its status. Without
 * an agent the connection is a new one.
 */
export async function ask(port, query, variables = {}, { agent = false, patience = 20_000 } = {}) {
  const begun = performance.now();
  const outcome = (code, rest) => ({ code, begun, ms: performance.now() - begun, ...rest });
  const request = post(port, query, variables, 'application/json', agent);
  const alarm = setTimeout(() => request.destroy(new Error('PATIENCE')), patience);
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
    const gaveUp = error.message === 'PATIENCE';
    return outcome(gaveUp ? 'PATIENCE' : 'NETWORK', { text: String(error) });
  } finally {
    clearTimeout(alarm);
  }
}

/** Asks for what must succeed for the check to be made at all. */
export async function demand(port, query, variables) {
  const { code, text, data } = await ask(port, query, variables);
  if (code) throw new Error(`${code}: ${text} (for ${query.slice(0, 200)})`);
  return data;
}

/**
 * Sends a mutation of one root field; `row` is what it made. The code is REFUSED where the input was refused, and
 * NEITHER where there is neither a row nor a reason.
 */
export async function write(port, mutation, input, options) {
  const outcome = await ask(port, mutation, { input }, options);
  if (outcome.code) return outcome;
  const [{ userErrors, ...payload }] = Object.values(outcome.data);
  const [row] = Object.values(payload);
  if (row) return { ...outcome, row };
  if (!userErrors.length) return { ...outcome, code: 'NEITHER', text: JSON.stringify(outcome.data) };
  return { ...outcome, code: 'REFUSED', text: userErrors[0].message };
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

const NEW_DRAFTS = `subscription NewDrafts($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { id } } }`;

/** Follows new drafts. */
export class Subscriber {
  /** What came, in order: the id of the draft, and when it came. */
  received = [];
  endings = 0;
  #leaving = false;
  #request;

  /** Begins at `port`; cut off there it goes on at the port `again`. */
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
    // `complete` has no data, and neither has what keeps the connection open.
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

// Clients send expensive queries and disconnect before the response, 200 times: the queries are cancelled, and the
// server returns to its previous state.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask, tally, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { command } from './server.mjs';

const LEAVING = 200;
const AT_ONCE = 20;
/** Maximum duration of a request; afterwards none of its statements may still run. */
const LONGEST_REQUEST = 30_000;
const LARGEST_GROWTH = 100;
const PLAIN = '{ companies(first: 10) { nodes { name prospects(first: 3) { nodes { fullName } } } } }';

const words = Array.from({ length: 20 }, (_, at) => `{ content: { contains: "no such word ${at}" } }`);
const some = `{ or: [${words.join(' ')}] }`;
/** Queries by descending cost; a complexity limit may reject the first ones. */
const HEAVY = [
  `{ prospect: { company: { prospects: { some: { interactions: { some: ${some} } } } } } }`,
  `{ prospect: { interactions: { some: ${some} } } }`,
  some,
].map((filter) => `{ interactions(first: 1, filter: ${filter}) { totalCount } }`);

/** The most expensive query that this server accepts, and its duration without other load. */
async function heaviest(server) {
  for (const query of HEAVY) {
    const { code, ms } = await ask(server, query, {}, { patience: 2 * LONGEST_REQUEST });
    // A complexity limit rejects immediately; a query that timed out was accepted, too.
    if (!code || ms > 5_000) return { query, ms, code };
  }
  throw new Error('the server rejected every expensive query');
}

async function leaveInBetween(server, query) {
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 50 + Math.random() * 450);
  return ask(server, query, {}, { signal: leaving.signal });
}

/** Sends ten typical queries concurrently; returns the duration of the slowest query, or null if a query failed. */
async function plain(server) {
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server, PLAIN)));
  return answers.some(({ code }) => code) ? null : Math.max(...answers.map(({ ms }) => ms));
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { cluster, figures } = place;
  command(place.url, 'seed');
  const server = await place.serve();
  const { query, ms, code } = await heaviest(server);
  // Warm up: opens all pooled connections and fills the caches, then waits until our own keep-alive sockets, which last
  // four seconds, are closed.
  await Promise.all(Array.from({ length: 100 }, () => ask(server, PLAIN)));
  const usual = await plain(server);
  await sleep(6_000);
  const before = { memory: server.memory().own, open: server.open().all };

  const answers = [];
  const one = async () => answers.push(await leaveInBetween(server, query));
  for (let count = 0; count < LEAVING / AT_ONCE; count += 1) {
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }
  const left = performance.now();
  const stayed = answers.filter(({ code }) => !code).length;
  const atOnce = await ask(server, PLAIN, {}, { patience: 2 * LONGEST_REQUEST });
  const running = cluster ? await cluster.activeStatements() : 0;

  const answersSoon = async () => {
    const slowest = await plain(server);
    return slowest !== null && slowest < 1_000;
  };
  const free = await until(answersSoon, LONGEST_REQUEST);
  if (cluster) {
    const idle = async () => (await cluster.activeStatements()) === 0;
    const ended = await until(idle, left + LONGEST_REQUEST - performance.now());
    const still = await cluster.activeStatements();
    figures.must(ended !== null, `${still} statements still running ${time(LONGEST_REQUEST)} later`);
    const since = ended === null ? null : performance.now() - left;
    figures.tell('statements running after the last disconnect', `${running}, all ended after ${time(since)}`);
  }
  await sleep(6_000);
  const after = { memory: server.memory().own, open: server.open().all };
  const growth = after.memory - before.memory;
  figures.must(stayed < LEAVING / 2, `${stayed} of ${LEAVING} completed before the client disconnected`);
  figures.must(atOnce.ms < 1_000 && !atOnce.code, `the next query took ${time(atOnce.ms)} (${tally([atOnce])})`);
  figures.must(free !== null, `plain queries still take more than 1 s ${time(LONGEST_REQUEST)} later`);
  figures.must(growth < LARGEST_GROWTH, `the server grew by ${Math.round(growth)} MB`);
  figures.must(after.open <= before.open + 10, `${after.open} files open, ${before.open} before`);
  figures.must(server.alive, 'the server exited');

  figures.tell('disconnected', `${LEAVING - stayed} of ${LEAVING}, query takes ${time(ms)} (${code ?? 'succeeded'})`);
  figures.tell('next query', time(atOnce.ms));
  figures.tell('all queries under 1 s after', time(free));
  figures.tell('plain queries before', time(usual));
  figures.tell('memory growth', `${Math.round(growth)} MB from ${Math.round(before.memory)} MB`);
  figures.tell('open files', `${after.open}, ${before.open} before`);
});

// Clients that ask for much and leave before the answer, two hundred times: what they asked for does not go
// on for nobody, and the server is as it was before.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask, tally, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { command } from './server.mjs';

const LEAVING = 200;
const AT_ONCE = 20;
/** A request may take so long, whoever waits for it. Then nothing of it may be left. */
const LONGEST_REQUEST = 30_000;
const LARGEST_GROWTH = 100;
const PLAIN = '{ companies(first: 10) { nodes { name prospects(first: 3) { nodes { fullName } } } } }';

const words = Array.from({ length: 20 }, (_, at) => `{ content: { contains: "no such word ${at}" } }`);
const some = `{ or: [${words.join(' ')}] }`;
/** From the heaviest down; a limit may refuse the first. */
const HEAVY = [
  `{ prospect: { company: { prospects: { some: { interactions: { some: ${some} } } } } } }`,
  `{ prospect: { interactions: { some: ${some} } } }`,
  some,
].map((filter) => `{ interactions(first: 1, filter: ${filter}) { totalCount } }`);

/** The heaviest query that this server takes, and how long it runs alone. */
async function heaviest(server) {
  for (const query of HEAVY) {
    const { code, ms } = await ask(server, query, {}, { patience: 2 * LONGEST_REQUEST });
    // A limit refuses at once; one that got no answer in its time was taken, too.
    if (!code || ms > 5_000) return { query, ms, code };
  }
  throw new Error('every heavy query was refused');
}

async function leaveInBetween(server, query) {
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 50 + Math.random() * 450);
  return ask(server, query, {}, { signal: leaving.signal });
}

/** Asks what everybody asks; gives how long the slowest of ten at once took, or null where one failed. */
async function plain(server) {
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server, PLAIN)));
  return answers.some(({ code }) => code) ? null : Math.max(...answers.map(({ ms }) => ms));
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { cluster, figures } = place;
  command(place.url, 'seed');
  const server = await place.serve();
  const { query, ms, code } = await heaviest(server);
  // With every connection to the database that it may open, every cache filled, and none of our own sockets,
  // which are kept for four seconds.
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
    figures.must(ended !== null, `${still} statements run still ${time(LONGEST_REQUEST)} later`);
    const since = ended === null ? null : performance.now() - left;
    figures.tell('statements running at once', `${running}, all ended after ${time(since)}`);
  }
  await sleep(6_000);
  const after = { memory: server.memory().own, open: server.open().all };
  const growth = after.memory - before.memory;
  figures.must(stayed < LEAVING / 2, `${stayed} of ${LEAVING} were answered before they left`);
  figures.must(atOnce.ms < 1_000 && !atOnce.code, `the next query took ${time(atOnce.ms)} (${tally([atOnce])})`);
  figures.must(free !== null, `plain queries take more than 1 s still ${time(LONGEST_REQUEST)} later`);
  figures.must(growth < LARGEST_GROWTH, `the server grew by ${Math.round(growth)} MB`);
  figures.must(after.open <= before.open + 10, `${after.open} files open, ${before.open} before`);
  figures.must(server.alive, 'the server ended');

  figures.tell('left', `${LEAVING - stayed} of ${LEAVING}, from a query of ${time(ms)} (${code ?? 'answered'})`);
  figures.tell('the next query', time(atOnce.ms));
  figures.tell('all within 1 s after', time(free));
  figures.tell('usual', time(usual));
  figures.tell('grew by', `${Math.round(growth)} MB from ${Math.round(before.memory)} MB`);
  figures.tell('files open', `${after.open}, ${before.open} before`);
});

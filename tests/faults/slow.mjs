// Fifty subscribers that never read while 10,000 drafts are written: they cost no memory and are closed, and
// those that read miss nothing. Then twenty whose machine is gone: the server gets rid of them.

import { setTimeout as sleep } from 'node:timers/promises';

import { Subscriber, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { Proxy } from './proxy.mjs';
import { hundredDrafts, load, prospect } from './rows.mjs';
import { flag } from './server.mjs';

const DEAF = 50;
const HONEST = 5;
const DEAD = 20;
const BATCHES = 100;
/** Per draft: 10,000 of them are far more than the kernel keeps for a connection that is not read. */
const LENGTH = 8_000;
const LARGEST_GROWTH = 100;
/** Seconds between two pings of the server, and until who answers none of three is closed. */
const ping = flag('--socket-ping', 2);
const patience = ping.length ? 12_000 : 95_000;

const WITH_CONTENT = `subscription WithContent($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { id content } } }`;

/** Whether the server closes these within `time`; gives what they were closed with. */
async function closings(subscribers, time) {
  const late = sleep(time).then(() => 'still open');
  const codes = await Promise.all(subscribers.map((subscriber) => Promise.race([subscriber.closed, late])));
  const counts = new Map();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { figures } = place;
  const server = await place.serve({ flags: ping });
  const prospectId = await prospect(server);

  // The first hundred are for warming up: connections, caches, statements.
  const honest = await Subscriber.open(HONEST, server);
  await sleep(500);
  const created = new Set(await hundredDrafts(server, prospectId, LENGTH));
  const complete = () => honest.every((subscriber) => subscriber.compare(created).missing === 0);
  await until(complete, 30_000);

  const deaf = await Subscriber.open(DEAF, server, WITH_CONTENT);
  await sleep(500);
  for (const subscriber of deaf) {
    subscriber.stay();
    subscriber.socket.pause();
  }
  const before = server.memory();
  const peak = { ...before };
  const measure = async () => {
    const { own, all } = server.memory();
    peak.own = Math.max(peak.own, own);
    peak.all = Math.max(peak.all, all);
    await sleep(100);
  };
  const watch = load(1, measure);
  const begun = performance.now();
  for (let batch = 0; batch < BATCHES; batch += 1) {
    for (const id of await hundredDrafts(server, prospectId, LENGTH)) created.add(id);
  }
  const written = performance.now() - begun;
  const delivered = await until(complete, 60_000);
  await watch.end();
  const growth = peak.own - before.own;

  // Silent since the first of them was written. When they read again they first get what the kernel has
  // kept for them, and then find out.
  await sleep(Math.max(0, begun + patience - performance.now()));
  deaf.forEach((subscriber) => subscriber.socket.resume());
  const codes = await closings(deaf, 15_000);
  const pairs = honest.map((subscriber) => subscriber.compare(created));
  const sum = (field) => pairs.reduce((total, pair) => total + pair[field], 0);
  figures.must(growth < LARGEST_GROWTH, `the server grew by ${Math.round(growth)} MB`);
  figures.must(sum('missing') === 0, `honest subscribers miss ${sum('missing')} events`);
  figures.must(sum('twice') === 0, `honest subscribers got ${sum('twice')} events twice`);
  figures.must(!codes.has('still open'), `${codes.get('still open')} of ${DEAF} who never read are still open`);
  const reopened = honest.flatMap((subscriber) => subscriber.endings);
  figures.must(reopened.length === 0, `honest subscribers were ended: ${Subscriber.endings(honest)}`);
  deaf.forEach((subscriber) => subscriber.leave());

  const proxy = await Proxy.to(server);
  await until(() => server.open().sockets <= HONEST + 20, 5_000);
  const quiet = server.open().sockets;
  const dead = await Subscriber.open(DEAD, server, WITH_CONTENT, { port: proxy.port });
  dead.forEach((subscriber) => subscriber.stay());
  await sleep(500);
  const full = server.open().sockets;
  proxy.freeze();
  const gone = await until(() => server.open().sockets <= full - DEAD, patience, 200);
  const left = server.open().sockets - (full - DEAD);
  figures.must(gone !== null, `${left} of ${DEAD} dead connections are there still after ${time(patience)}`);
  const alive = await closings(honest, 100);
  figures.must(alive.get('still open') === HONEST, 'honest subscribers were closed too');

  const pages = `${Math.round(peak.all - before.all)} MB with mapped pages of files`;
  figures.tell('drafts', `${created.size} of ${LENGTH} bytes in ${time(written)}`);
  figures.tell('the server grew by', `${Math.round(growth)} MB (${pages}) from ${Math.round(before.own)} MB`);
  figures.tell(`all at ${HONEST} readers after`, delivered === null ? 'never' : time(written + delivered));
  figures.tell('missing', sum('missing'));
  figures.tell('twice', sum('twice'));
  figures.tell(`${DEAF} who never read`, [...codes].map(([code, count]) => `${code} ${count}`).join(', '));
  figures.tell('dead', `${DEAD} of ${full - quiet} gone after ${time(gone)}`);
  figures.tell('ping', ping.length ? 'every 2 s' : 'as by default (no --socket-ping)');
  honest.forEach((subscriber) => subscriber.leave());
  dead.forEach((subscriber) => subscriber.leave());
  proxy.end();
});

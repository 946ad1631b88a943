// Fifty subscribers never read while 10,000 drafts are created: they consume no memory and their connections are
// closed, and reading subscribers miss no event. Then twenty connections go dead, and the server closes them.

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
/** Bytes per draft; 10,000 drafts far exceed the kernel's buffer for an unread connection. */
const LENGTH = 8_000;
const LARGEST_GROWTH = 100;
/** The ping interval flag of the server, and the time in ms until a client that misses three pings is closed. */
const ping = flag('--socket-ping', 2);
const patience = ping.length ? 12_000 : 95_000;

const WITH_CONTENT = `subscription WithContent($after: String) {
  outreachDraftCreated(after: $after) { cursor draft { id content } } }`;

/** Waits up to `time` ms for the server to close these subscribers; returns the counts per close code. */
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

  // The first 100 drafts warm up connections, caches and prepared statements.
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

  // These subscribers have not read since the first draft. When they read again, they first receive the data buffered
  // by the kernel and then the close of the connection.
  await sleep(Math.max(0, begun + patience - performance.now()));
  deaf.forEach((subscriber) => subscriber.socket.resume());
  const codes = await closings(deaf, 15_000);
  const pairs = honest.map((subscriber) => subscriber.compare(created));
  const sum = (field) => pairs.reduce((total, pair) => total + pair[field], 0);
  figures.must(growth < LARGEST_GROWTH, `the server grew by ${Math.round(growth)} MB`);
  figures.must(sum('missing') === 0, `reading subscribers missed ${sum('missing')} events`);
  figures.must(sum('twice') === 0, `reading subscribers received ${sum('twice')} duplicate events`);
  figures.must(!codes.has('still open'), `${codes.get('still open')} of ${DEAF} non-reading subscribers are still open`);
  const reopened = honest.flatMap((subscriber) => subscriber.endings);
  figures.must(reopened.length === 0, `reading subscribers were disconnected: ${Subscriber.endings(honest)}`);
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
  figures.must(gone !== null, `${left} of ${DEAD} dead connections are still open after ${time(patience)}`);
  const alive = await closings(honest, 100);
  figures.must(alive.get('still open') === HONEST, 'reading subscribers were closed too');

  const pages = `${Math.round(peak.all - before.all)} MB including memory-mapped files`;
  figures.tell('drafts', `${created.size} of ${LENGTH} bytes in ${time(written)}`);
  figures.tell('memory growth', `${Math.round(growth)} MB (${pages}) from ${Math.round(before.own)} MB`);
  figures.tell(`delivered to ${HONEST} readers after`, delivered === null ? 'never' : time(written + delivered));
  figures.tell('missing', sum('missing'));
  figures.tell('duplicates', sum('twice'));
  figures.tell(`close codes of ${DEAF} non-reading subscribers`, [...codes].map(([code, count]) => `${code} ${count}`).join(', '));
  figures.tell('dead connections', `${DEAD} of ${full - quiet} closed after ${time(gone)}`);
  figures.tell('ping', ping.length ? 'every 2 s' : 'default interval (no --socket-ping)');
  honest.forEach((subscriber) => subscriber.leave());
  dead.forEach((subscriber) => subscriber.leave());
  proxy.end();
});

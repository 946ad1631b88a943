// Postgres terminates all database connections of the server (a cut) several times, during reads, writes and
// subscriptions.
// The server can retry an interrupted read. An interrupted write must fail with UNAVAILABLE, because it is unknown
// whether it was committed; the client retries it with its idempotency key.

import { setTimeout as sleep } from 'node:timers/promises';

import { NEW_DRAFTS, Subscriber, ask, tally, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { counts, draftOf, load, prospect, send } from './rows.mjs';

const CUTS = 5;
const LONGEST_RECOVERY = 5_000;
/** Milliseconds between two cuts; longer than the maximum recovery time. */
const BETWEEN = 6_000;
const READ = '{ prospects(first: 5) { nodes { fullName company { name } outreachDrafts(last: 3) { nodes { id } } } } }';

await fault(['postgres'], async (place) => {
  const { cluster, figures } = place;
  const server = await place.serve();
  const prospectId = await prospect(server);
  const subscribers = await Subscriber.open(5, server, NEW_DRAFTS);
  await sleep(500);

  const reads = [];
  const writes = [];
  const created = new Set();
  const readers = load(8, async () => reads.push(await ask(server, READ)));
  const writers = load(8, async () => {
    const write = draftOf(prospectId);
    for (;;) {
      const outcome = await send(server, write);
      writes.push(outcome);
      if (!outcome.code) return created.add(outcome.id);
      await sleep(100);
    }
  });
  await sleep(1_500);

  const cuts = [];
  for (let count = 0; count < CUTS; count += 1) {
    const connections = await cluster.cut();
    const at = performance.now();
    await sleep(BETWEEN);
    cuts.push({ at, connections, next: performance.now() });
  }
  await Promise.all([readers.end(), writers.end()]);

  const delivered = await until(
    () => subscribers.every((subscriber) => subscriber.compare(created).missing === 0),
    10_000,
  );
  const refused = [...reads, ...writes].filter(({ code }) => code);
  const unclean = refused.filter(({ code }) => code !== 'UNAVAILABLE');
  figures.must(unclean.length === 0, `errors other than UNAVAILABLE: ${tally(unclean)}; ${unclean[0]?.text}`);

  // For requests sent after a cut and completed before the next: the first success and the last failure.
  const ends = (cut, outcomes) => outcomes
    .filter(({ begun, ms }) => begun >= cut.at && begun + ms < cut.next)
    .map(({ begun, ms }) => begun + ms - cut.at);
  const succeeded = (outcomes) => outcomes.filter(({ code }) => !code);
  const first = (outcomes) => Math.max(...cuts.map((cut) => Math.min(Infinity, ...ends(cut, succeeded(outcomes)))));
  const firsts = [first(reads), first(writes)];
  const lastRefusal = Math.max(...cuts.map((cut) => Math.max(0, ...ends(cut, refused))));
  figures.must(Math.max(...firsts) <= LONGEST_RECOVERY, 'no successful request within 5 s of a cut');
  figures.must(lastRefusal <= LONGEST_RECOVERY, 'requests still failed more than 5 s after a cut');
  const slowest = Math.max(...[...reads, ...writes].map(({ ms }) => ms));
  figures.must(slowest <= LONGEST_RECOVERY, `a response took ${time(slowest)}`);

  const { drafts, draftChanges } = await counts(server);
  const pairs = subscribers.map((subscriber) => subscriber.compare(created));
  const missing = pairs.reduce((sum, pair) => sum + pair.missing, 0);
  const twice = pairs.reduce((sum, pair) => sum + pair.twice, 0);
  figures.must(drafts === created.size, `${created.size} drafts were acknowledged, ${drafts} exist`);
  figures.must(draftChanges === drafts, `${drafts} drafts, ${draftChanges} in the change log`);
  figures.must(delivered !== null && missing === 0, `subscribers missed ${missing} events`);
  figures.must(twice === 0, `subscribers received ${twice} duplicate events`);
  figures.must(server.alive, 'the server exited');

  figures.tell('cuts', `${CUTS} of ${cuts.map((cut) => cut.connections).join('/')} connections`);
  figures.tell('reads', `${reads.length} (failed: ${tally(reads)})`);
  figures.tell('writes', `${writes.length} (failed: ${tally(writes)})`);
  figures.tell('first successful read after', time(firsts[0]));
  figures.tell('first successful write after', time(firsts[1]));
  figures.tell('last failure after', time(lastRefusal));
  figures.tell('slowest response', time(slowest));
  figures.tell('events', `${created.size} × ${subscribers.length} subscribers, ${missing} missing, ${twice} duplicates`);
  figures.tell('streams ended', Subscriber.endings(subscribers));
  subscribers.forEach((subscriber) => subscriber.leave());
});

// Every connection of the server to Postgres is cut from the other side, several times, while it is read,
// written and followed. Reads can be tried again by the server; a write can only be refused cleanly, for
// nobody knows whether it was committed: the client sends it again under its key.

import { setTimeout as sleep } from 'node:timers/promises';

import { NEW_DRAFTS, Subscriber, ask, tally, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { counts, draftOf, load, prospect, send } from './rows.mjs';

const CUTS = 5;
const LONGEST_RECOVERY = 5_000;
/** Milliseconds between two cuts: longer than the recovery may take. */
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
  figures.must(unclean.length === 0, `answers that are no clean refusal: ${tally(unclean)}; ${unclean[0]?.text}`);

  // Of what was asked after a cut and answered before the next: when the first succeeded, the last was refused.
  const ends = (cut, outcomes) => outcomes
    .filter(({ begun, ms }) => begun >= cut.at && begun + ms < cut.next)
    .map(({ begun, ms }) => begun + ms - cut.at);
  const succeeded = (outcomes) => outcomes.filter(({ code }) => !code);
  const first = (outcomes) => Math.max(...cuts.map((cut) => Math.min(Infinity, ...ends(cut, succeeded(outcomes)))));
  const firsts = [first(reads), first(writes)];
  const lastRefusal = Math.max(...cuts.map((cut) => Math.max(0, ...ends(cut, refused))));
  figures.must(Math.max(...firsts) <= LONGEST_RECOVERY, 'no success within 5 s of a cut');
  figures.must(lastRefusal <= LONGEST_RECOVERY, 'refused still more than 5 s after a cut');
  const slowest = Math.max(...[...reads, ...writes].map(({ ms }) => ms));
  figures.must(slowest <= LONGEST_RECOVERY, `an answer took ${time(slowest)}`);

  const { drafts, draftChanges } = await counts(server);
  const pairs = subscribers.map((subscriber) => subscriber.compare(created));
  const missing = pairs.reduce((sum, pair) => sum + pair.missing, 0);
  const twice = pairs.reduce((sum, pair) => sum + pair.twice, 0);
  figures.must(drafts === created.size, `${created.size} drafts were acknowledged, ${drafts} are there`);
  figures.must(draftChanges === drafts, `${drafts} drafts, ${draftChanges} in the change log`);
  figures.must(delivered !== null && missing === 0, `subscribers miss ${missing} events`);
  figures.must(twice === 0, `subscribers got ${twice} events twice`);
  figures.must(server.alive, 'the server ended');

  figures.tell('cuts', `${CUTS} of ${cuts.map((cut) => cut.connections).join('/')} connections`);
  figures.tell('reads', `${reads.length} (failed: ${tally(reads)})`);
  figures.tell('writes', `${writes.length} (failed: ${tally(writes)})`);
  figures.tell('first read after', time(firsts[0]));
  figures.tell('first write after', time(firsts[1]));
  figures.tell('last refusal after', time(lastRefusal));
  figures.tell('slowest answer', time(slowest));
  figures.tell('events', `${created.size} × ${subscribers.length} subscribers, ${missing} missing, ${twice} twice`);
  figures.tell('streams ended', Subscriber.endings(subscribers));
  subscribers.forEach((subscriber) => subscriber.leave());
});

// Postgres is unavailable for 12 seconds, after a clean shutdown and after a crash, during reads, writes and
// subscriptions. Requests fail quickly with UNAVAILABLE, and the server recovers without intervention once Postgres is
// back.

import { setTimeout as sleep } from 'node:timers/promises';

import { Subscriber, ask, tally, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { counts, draftOf, load, prospect, send } from './rows.mjs';

const AWAY = 12_000;
const LONGEST_REFUSAL = 10_000;
const LONGEST_RECOVERY = 15_000;
const READ = '{ companies(first: 5) { nodes { name prospects(first: 5) { nodes { fullName } } } } }';

/** Polls a health check of the server. */
function watchHealth(server, kind, states) {
  return load(1, async () => {
    const status = await server.health(kind);
    states.push({ kind, status, ended: performance.now() });
    await sleep(250);
  });
}

async function outage(mode, { server, cluster, figures, prospectId, subscribers, created }) {
  const outcomes = [];
  const states = [];
  const readers = load(4, async () => {
    outcomes.push(await ask(server, READ));
    await sleep(50);
  });
  const writers = load(4, async () => {
    const write = draftOf(prospectId);
    for (;;) {
      const outcome = await send(server, write);
      outcomes.push(outcome);
      if (!outcome.code) return created.add(outcome.id);
      await sleep(100);
    }
  });
  const watches = ['live', 'ready'].map((kind) => watchHealth(server, kind, states));
  await sleep(1_000);

  const stopping = performance.now();
  await cluster.stop(mode);
  const away = performance.now();
  await sleep(AWAY);
  const starting = performance.now();
  await cluster.begin();
  const back = performance.now();
  const good = ({ begun, code }) => begun >= back && !code;
  const [firstSuccess, ready] = await Promise.all([
    until(() => outcomes.some(good), LONGEST_RECOVERY, 20),
    until(async () => (await server.health('ready')) === 200, LONGEST_RECOVERY, 20),
  ]);
  await sleep(2_000);
  await Promise.all([readers, writers, ...watches].map((worker) => worker.end()));

  const refused = outcomes.filter(({ code }) => code);
  const unclean = refused.filter(({ code }) => code !== 'UNAVAILABLE');
  const slowest = Math.max(0, ...refused.map(({ ms }) => ms));
  const lastRefusal = Math.max(0, ...refused.map(({ begun, ms }) => begun + ms - back));
  // Selects by completion time; in the first 500 ms responses may still be in flight.
  const whileAway = (ended) => ended > away + 500 && ended < starting;
  const answered = outcomes.filter(({ begun, ms }) => whileAway(begun + ms));
  const untold = (of) => `${mode}: during the outage, ${of}`;
  figures.must(unclean.length === 0, `${mode}: errors other than UNAVAILABLE: ${tally(unclean)}; ${unclean[0]?.text}`);
  figures.must(answered.length > 0, untold('no request received a response'));
  figures.must(answered.every(({ code }) => code), untold('a request succeeded'));
  figures.must(slowest <= LONGEST_REFUSAL, `${mode}: a failure took ${time(slowest)}`);
  for (const [kind, right] of [['live', 200], ['ready', 503]]) {
    const statuses = states.filter((state) => state.kind === kind && whileAway(state.ended));
    const told = [...new Set(statuses.map(({ status }) => status))].join(', ') || 'not received';
    figures.must(told === String(right), untold(`/health/${kind} returned ${told}`));
  }
  figures.must(firstSuccess !== null && ready !== null, `${mode}: not recovered 15 s after Postgres was restarted`);
  figures.must(lastRefusal <= LONGEST_RECOVERY, `${mode}: requests still failed ${time(lastRefusal)} after the restart`);

  const everything = () => subscribers.every((subscriber) => subscriber.compare(created).missing === 0);
  const caughtUp = await until(everything, LONGEST_RECOVERY);
  const after = [];
  for (let count = 0; count < 20; count += 1) {
    const outcome = await send(server, draftOf(prospectId));
    figures.must(!outcome.code, `${mode}: a write after the outage failed with ${outcome.code}`);
    if (outcome.id) after.push(outcome.id);
  }
  after.forEach((id) => created.add(id));
  const heard = await until(everything, 5_000);
  const deaf = subscribers.filter((subscriber) => subscriber.compare(after).missing > 0).length;
  figures.must(deaf === 0, `${mode}: ${deaf} of ${subscribers.length} subscribers receive no events afterwards`);
  figures.must(heard !== null, `${mode}: subscribers missed events`);
  figures.tell(`${mode} stop took`, time(away - stopping));
  figures.tell('failed', tally(refused));
  figures.tell('slowest failure', time(slowest));
  figures.tell('ready after', time(ready));
  figures.tell('first success after', time(firstSuccess));
  figures.tell('last failure after', time(lastRefusal));
  figures.tell('subscribers caught up after', time(caughtUp));
}

await fault(['postgres'], async (place) => {
  const { cluster, figures } = place;
  const server = await place.serve();
  const prospectId = await prospect(server);
  const subscribers = await Subscriber.open(3, server);
  await sleep(500);
  // Ensure that every subscriber has a cursor to resume from.
  const created = new Set([(await send(server, draftOf(prospectId))).id]);
  await until(() => subscribers.every((subscriber) => subscriber.cursor), 5_000);

  for (const mode of ['fast', 'immediate']) {
    await outage(mode, { server, cluster, figures, prospectId, subscribers, created });
  }
  const twice = subscribers.reduce((sum, subscriber) => sum + subscriber.compare(created).twice, 0);
  const { drafts, draftChanges } = await counts(server);
  figures.must(server.alive, 'the server exited');
  figures.must(twice === 0, `subscribers received ${twice} duplicate events`);
  figures.must(drafts === created.size, `${created.size} drafts were acknowledged, ${drafts} exist`);
  figures.must(draftChanges === drafts, `${drafts} drafts, ${draftChanges} in the change log`);
  figures.tell('events', `${created.size} × ${subscribers.length} subscribers, ${twice} duplicates`);
  figures.tell('streams ended', Subscriber.endings(subscribers));
  subscribers.forEach((subscriber) => subscriber.leave());
});

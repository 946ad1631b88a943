// SIGKILL of the server under write load, several times, then of Postgres itself: acknowledged writes are stored, no
// write is stored partially, and a write retried with its idempotency key creates one row.

import { setTimeout as sleep } from 'node:timers/promises';

import { demand, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { copies, counts, draftOf, industry, load, prospect, send } from './rows.mjs';
import { canLook, integrity } from './sqlite.mjs';

const ROUNDS = 4;
const WRITERS = 16;
/** Duration of a round in ms: long enough for several hundred writes, and different in each round. */
const roundTime = (round) => 1_200 + 370 * round;

const LISTS = {
  draft: 'outreachDrafts(first: 100, filter: { id: { in: $ids } }) { nodes { id text: content',
  industry: 'industries(first: 100, filter: { id: { in: $ids } }) { nodes { id text: name',
};

/** The rows of acknowledged writes by ID, each with the kinds of its change log entries. */
async function stored(server, kind, writes) {
  const found = new Map();
  for (let from = 0; from < writes.length; from += 100) {
    const ids = writes.slice(from, from + 100).map((write) => write.id);
    const query = `query ($ids: [ID!]) { list: ${LISTS[kind]} history(first: 3) { nodes { kind } } } } }`;
    const { list } = await demand(server, query, { ids });
    for (const row of list.nodes) found.set(row.id, row);
  }
  return found;
}

/** Compares stored rows with acknowledged writes; returns the number of lost writes. */
async function verify(server, writes, figures) {
  const before = await counts(server);
  figures.must(before.drafts === before.draftChanges, `${before.drafts} drafts, ${before.draftChanges} in the change log`);
  figures.must(
    before.industries === before.industryChanges,
    `${before.industries} industries, ${before.industryChanges} in the change log`,
  );
  let lost = 0;
  for (const kind of ['draft', 'industry']) {
    const acknowledged = writes.filter((write) => write.id && write.kind === kind);
    const rows = await stored(server, kind, acknowledged);
    for (const write of acknowledged) {
      const row = rows.get(write.id);
      if (row?.text !== write.text) lost += 1;
      const entries = row?.history.nodes.map((entry) => entry.kind).join() ?? 'CREATED';
      figures.must(entries === 'CREATED', `${write.id} has the change log entries ${entries}`);
    }
  }
  return lost;
}

/** Retries writes with their idempotency keys; writes without a response are retried twice. */
async function repeat(server, writes, figures) {
  const unanswered = writes.filter((write) => !write.id);
  const answered = writes.filter((write) => write.id).slice(-40);
  for (const write of [...unanswered, ...unanswered, ...answered]) {
    const again = await send(server, write);
    figures.must(!again.code, `a retried write failed with ${again.code}: ${again.text}`);
    figures.must(!write.id || write.id === again.id, `a retry of ${write.id} returned ${again.id}`);
    write.id ??= again.id;
  }
  for (const write of unanswered) {
    const rows = await copies(server, write);
    figures.must(rows === 1, `${write.kind} ${write.text} exists ${rows} times`);
  }
  return unanswered.length;
}

/** Runs sixteen writers until `strike` has killed the server or Postgres; returns all attempted writes. */
async function writeUntil(server, prospectId, duration, strike) {
  const writes = [];
  const codes = new Set();
  const writers = load(WRITERS, async () => {
    const write = writes.length % 4 ? draftOf(prospectId) : industry();
    writes.push(write);
    const outcome = await send(server, write);
    write.id = outcome.id;
    if (!outcome.code) return;
    codes.add(outcome.code);
    // Back off after a failure; the writers stop soon in any case.
    await sleep(200);
  });
  await sleep(duration);
  await strike();
  await writers.end();
  return { writes, codes };
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { cluster, figures } = place;
  let server = await place.serve();
  const prospectId = await prospect(server);
  const all = [];
  const restarts = [];
  let lost = 0;
  let unanswered = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const strike = () => server.kill('SIGKILL');
    const { writes } = await writeUntil(server, prospectId, roundTime(round), strike);
    server = await place.serve({ port: server.port });
    restarts.push(server.startTime);
    all.push(...writes);
    lost += await verify(server, writes, figures);
    unanswered += await repeat(server, writes, figures);
  }
  if (cluster) {
    const strike = async () => {
      cluster.crash();
      await sleep(500);
      await cluster.begin();
      const back = await until(async () => (await server.health('ready')) === 200, 30_000);
      figures.must(back !== null, 'the server is not ready 30 s after a Postgres crash');
    };
    const { writes, codes } = await writeUntil(server, prospectId, 2_000, strike);
    figures.tell('error codes after killing the postmaster', [...codes].join(', ') || 'none');
    figures.must(server.alive, 'the server exited when Postgres was killed');
    all.push(...writes);
    lost += await verify(server, writes, figures);
    unanswered += await repeat(server, writes, figures);
  }
  // By now every attempted write has been acknowledged, so the expected counts are exact.
  const { drafts, industries } = await counts(server);
  const tried = (kind) => all.filter((write) => write.kind === kind).length;
  figures.must(drafts === tried('draft'), `${tried('draft')} drafts were written, ${drafts} exist`);
  const expected = tried('industry') + 1; // plus the industry of the prospect
  figures.must(industries === expected, `${expected} industries were written, ${industries} exist`);
  figures.must(lost === 0, `${lost} acknowledged writes are lost`);
  figures.tell('kills', ROUNDS + (cluster ? 1 : 0));
  figures.tell('acknowledged', all.length - unanswered);
  figures.tell('lost', lost);
  figures.tell('unacknowledged and retried', unanswered);
  figures.tell('maximum restart time', time(Math.max(...restarts)));
  if (!cluster) {
    await server.kill('SIGTERM');
    const said = integrity(place.file);
    figures.tell('integrity', said);
    figures.must(said === 'ok' || !canLook, `integrity_check returned ${said}`);
  }
});

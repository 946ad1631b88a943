// The disk of a SQLite database is full: writes fail with UNAVAILABLE, reads continue, and writes recover once space is
// free. As root, the test mounts a small disk; otherwise it limits the file size of the server process.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, demand, tally } from './client.mjs';
import { atEnd } from './ending.mjs';
import { fault } from './fault.mjs';
import { copies, counts, draftOf, load, prospect, send } from './rows.mjs';
import { canLook, integrity } from './sqlite.mjs';

const MEGABYTE = 1024 * 1024;
const READ = '{ outreachDrafts(last: 5) { nodes { id content prospect { fullName company { name } } } } }';

/** A 24 MB disk with a 12 MB ballast file that can be deleted to free space. */
function smallDisk(folder) {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
  // Lazy unmount, because the server may still have files open when this process exits.
  atEnd(() => execFileSync('umount', ['-l', disk]));
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(12 * MEGABYTE));
  return {
    kind: 'a disk of 24 MB',
    file: join(disk, 'salesgraph.db'),
    wrapper: [],
    fill: () => {},
    makeRoom: () => rmSync(ballast),
    free: () => `${statfsSync(disk).bavail * statfsSync(disk).bsize} bytes free`,
  };
}

/** Limits the server's files to 4 MB. SIGXFSZ must be ignored, otherwise it kills the process. */
function smallFiles(folder) {
  const limit = ({ pid }, bytes) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  return {
    kind: 'files of at most 4 MB',
    file: join(folder, 'salesgraph.db'),
    wrapper: ['bash', '-c', 'trap "" XFSZ; exec "$@"', 'server'],
    fill: (server) => limit(server, 4 * MEGABYTE),
    makeRoom: (server) => limit(server, 'unlimited'),
    free: () => 'files at their limit',
  };
}

/** Asserts that the counts of drafts and change log entries agree, whether or not the disk is full. */
async function nothingByHalves(server, figures, when) {
  const { drafts, draftChanges } = await counts(server);
  figures.must(drafts === draftChanges, `${when}: ${drafts} drafts, ${draftChanges} in the change log`);
  return drafts;
}

await fault(['sqlite'], async (place) => {
  const { figures } = place;
  const limited = process.env.SALESGRAPH_FAULTS_DISK === 'limit' || process.getuid() !== 0;
  const disk = limited ? smallFiles(place.folder) : smallDisk(place.folder);
  place.file = disk.file;
  const server = await place.serve({ wrapper: disk.wrapper });
  const prospectId = await prospect(server);
  disk.fill(server);

  // Eight writers send drafts of 20 kB until 80 writes have failed.
  const done = [];
  const refused = [];
  const writers = load(8, async () => {
    const write = draftOf(prospectId, 20_000);
    const outcome = await send(server, write);
    if (outcome.code) refused.push({ ...outcome, write });
    else done.push({ ...write, id: outcome.id });
  });
  while (refused.length < 80 && server.alive) await sleep(20);
  await writers.end();
  figures.must(server.alive, 'the server exited on a full disk');

  // While the disk is full, reads succeed and writes keep failing.
  const reads = [];
  for (let count = 0; count < 100; count += 1) reads.push(await ask(server, READ));
  const still = await send(server, draftOf(prospectId, 20_000));
  const ready = await server.health('ready');
  const free = disk.free();
  const unclean = refused.filter(({ code }) => code !== 'UNAVAILABLE');
  const leaks = refused.filter(({ text }) => /sqlite|disk i\/o|salesgraph\.db|INSERT|\/tmp/i.test(text ?? ''));
  figures.must(unclean.length === 0, `errors other than UNAVAILABLE: ${tally(unclean)}; ${unclean[0]?.text}`);
  figures.must(leaks.length === 0, `errors that leak implementation details: ${leaks[0]?.text}`);
  figures.must(reads.every(({ code }) => !code), `reads on a full disk failed: ${tally(reads)}`);
  figures.must(still.code, 'a write on a full disk succeeded');
  const whileFull = await nothingByHalves(server, figures, 'full');
  figures.must(whileFull === done.length, `full: ${done.length} drafts were acknowledged, ${whileFull} exist`);

  // After space is freed, failed writes are retried with their idempotency keys.
  disk.makeRoom(server);
  const again = [];
  for (const { write } of refused.slice(-40)) {
    again.push(await send(server, write));
    const rows = await copies(server, write);
    figures.must(rows === 1, `a retried draft exists ${rows} times`);
  }
  const held = done.slice(-40);
  const ids = held.map((write) => write.id);
  const list = 'list: outreachDrafts(first: 100, filter: { id: { in: $ids } })';
  const kept = (await demand(server, `query ($ids: [ID!]) { ${list} { totalCount } }`, { ids })).list.totalCount;
  figures.must(again.every(({ code }) => !code), `writes after space was freed failed: ${tally(again)}; ${again[0].text}`);
  figures.must(kept === held.length, `${held.length - kept} of the last acknowledged drafts are lost`);
  await nothingByHalves(server, figures, 'afterwards');
  const { code } = await server.kill('SIGTERM');
  const said = integrity(place.file);
  figures.must(said === 'ok' || !canLook, `integrity_check returned ${said}`);

  figures.tell('disk', `${disk.kind}, ${free}`);
  figures.tell('drafts written before', done.length);
  figures.tell('failed', tally(refused));
  figures.tell('reads while full', `${reads.length} (failed: ${tally(reads)})`);
  figures.tell('/health/ready while full', ready);
  figures.tell('retried successfully', `${again.filter((outcome) => !outcome.code).length} of ${again.length}`);
  figures.tell('exit code', code);
  figures.tell('integrity', said);
});

// The test harness: runs a fault on each engine and prints its figures on one line, followed by failed assertions.
// SALESGRAPH_FAULTS_ENGINES=sqlite restricts it to SQLite.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { Cluster } from './cluster.mjs';
import { atEnd } from './ending.mjs';
import { Server } from './server.mjs';

const only = process.env.SALESGRAPH_FAULTS_ENGINES?.split(',');

/** Figures in the order in which they were recorded, and failed assertions. */
class Figures {
  told = [];
  /** Failed assertions and their counts. */
  broken = new Map();

  tell(name, value) {
    this.told.push(`${name} ${value}`);
  }

  must(holds, otherwise) {
    if (holds) return;
    const text = otherwise.slice(0, 500);
    this.broken.set(text, (this.broken.get(text) ?? 0) + 1);
  }
}

/** The environment of a fault: an empty database on one engine, in a temporary directory. */
class Place {
  figures = new Figures();
  servers = [];

  constructor(engine, folder, cluster) {
    Object.assign(this, { engine, folder, cluster });
    this.file = join(folder, 'salesgraph.db');
  }

  get url() {
    return this.cluster?.url ?? `sqlite:${this.file}`;
  }

  async serve(options) {
    const server = await Server.start(this.url, this.folder, options);
    this.servers.push(server);
    return server;
  }
}

async function attempt(engine, inject) {
  const folder = mkdtempSync(join(tmpdir(), 'salesgraph-fault-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const place = new Place(engine, folder, null);
  const { figures } = place;
  try {
    if (engine === 'postgres') place.cluster = await Cluster.start(folder);
    await inject(place);
  } catch (error) {
    figures.must(false, error.stack);
  }
  const failed = figures.broken.size > 0;
  const name = basename(process.argv[1], '.mjs');
  console.log(`${name} ${engine}: ${failed ? 'FAILED' : 'passed'}: ${figures.told.join('; ')}`);
  for (const [text, count] of figures.broken) {
    console.log(`  assertion failed${count > 1 ? ` (${count} times)` : ''}: ${text}`);
  }
  const last = place.servers.at(-1);
  if (failed && last && existsSync(last.log)) {
    const words = last.lastWords();
    if (words) console.log(words.replace(/^/gm, '  log: '));
  }
  await Promise.all(place.servers.filter((server) => server.alive).map((server) => server.kill('SIGKILL')));
  place.cluster?.endNow();
  return failed;
}

/** Runs `inject` on each of these engines, then exits the process. */
export async function fault(engines, inject) {
  let failed = false;
  for (const engine of engines.filter((engine) => only?.includes(engine) ?? true)) {
    failed = (await attempt(engine, inject)) || failed;
  }
  process.exit(failed ? 1 : 0);
}

/** Formats a duration in milliseconds. */
export function time(milliseconds) {
  if (milliseconds === null) return 'never';
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

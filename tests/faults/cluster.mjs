// A dedicated Postgres cluster with full durability settings.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { atEnd } from './ending.mjs';
import { freePort } from './server.mjs';

const FIRST_PORT = 4750;
const USER = 'salesgraph';
const isRoot = process.getuid() === 0;
const run = promisify(execFile);

/** The binary directory of the newest installed Postgres; null if none is installed. */
function programs() {
  const root = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(root).sort((one, other) => Number(one) - Number(other));
    return join(root, versions.at(-1), 'bin');
  } catch {
    return null;
  }
}

export class Cluster {
  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
    this.programs = programs();
    if (!this.programs) throw new Error('Postgres not found in /usr/lib/postgresql; install it first');
  }

  static async start(parent) {
    const folder = join(parent, 'postgres');
    mkdirSync(folder);
    // Postgres refuses to run as root, so its own user needs access to the directory.
    chmodSync(parent, 0o755);
    if (isRoot) execFileSync('chown', ['postgres', folder]);
    const cluster = new Cluster(folder, await freePort(FIRST_PORT));
    await cluster.asOwner(`initdb -D ${folder}/cluster -A trust -U ${USER} --locale=C.UTF-8 -E UTF8`);
    atEnd(() => cluster.endNow());
    await cluster.begin();
    await cluster.sql('CREATE DATABASE salesgraph', 'postgres');
    return cluster;
  }

  get url() {
    return `postgres://${USER}@127.0.0.1:${this.port}/salesgraph`;
  }

  command(line) {
    const command = `${this.programs}/${line} >/dev/null 2>&1`;
    return isRoot ? ['su', ['postgres', '-s', '/bin/sh', '-c', command]] : ['sh', ['-c', command]];
  }

  async asOwner(line) {
    await run(...this.command(line));
  }

  /** Starts the cluster. Retries, because killed processes may hold their shared memory for a short time. */
  async begin() {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c max_connections=200
      -c unix_socket_directories=${this.folder}`.replace(/\s+/g, ' ');
    for (let tries = 0; ; tries += 1) {
      try {
        const { folder } = this;
        await this.asOwner(`pg_ctl -D ${folder}/cluster -l ${folder}/log -w start -o '${options}'`);
        return;
      } catch (error) {
        if (tries === 50) throw error;
        await sleep(200);
      }
    }
  }

  /** Stops the cluster. `fast` closes sessions cleanly; `immediate` requires crash recovery at the next start. */
  async stop(mode) {
    await this.asOwner(`pg_ctl -D ${this.folder}/cluster -m ${mode} -w stop`);
  }

  /** Kills the postmaster with SIGKILL; data that is not flushed to disk is lost. */
  crash() {
    const pid = Number(readFileSync(`${this.folder}/cluster/postmaster.pid`, 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
  }

  endNow() {
    try {
      execFileSync(...this.command(`pg_ctl -D ${this.folder}/cluster -m immediate -w stop`));
    } catch {
      // already stopped
    }
  }

  words(sql, database) {
    const place = ['-h', '127.0.0.1', '-p', String(this.port), '-U', USER, '-d', database];
    return [...place, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql];
  }

  /** Runs `sql` and returns its result as text. */
  async sql(sql, database = 'salesgraph') {
    const { stdout } = await run(`${this.programs}/psql`, this.words(sql, database));
    return stdout.trim();
  }

  /** Terminates all database connections of the server; returns their number. */
  async cut() {
    const others = 'datname = current_database() AND pid <> pg_backend_pid()';
    return Number(
      await this.sql(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE ${others}`),
    );
  }

  /** The number of currently running statements of the server. */
  async activeStatements() {
    const ours = "application_name = 'salesgraph' AND state = 'active'";
    return Number(await this.sql(`SELECT count(*) FROM pg_stat_activity WHERE ${ours}`));
  }

  /** Locks `table` exclusively for `seconds`, blocking reads and writes; resolves once the lock is held. */
  async lock(table, seconds) {
    const sql = `BEGIN; LOCK TABLE "${table}" IN ACCESS EXCLUSIVE MODE; SELECT 'held';
      SELECT pg_sleep(${seconds}); COMMIT`;
    const words = this.words(sql, 'salesgraph').slice(0, -2);
    // Statements are sent through standard input so that the first result arrives before the others run.
    const session = spawn(`${this.programs}/psql`, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    session.stdin.end(`${sql};\n`);
    await new Promise((resolve) => session.stdout.once('data', resolve));
  }
}

// A streaming replica of a cluster, with its replay position and the statements that it executed.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Cluster } from '../faults/cluster.mjs';
import { atEnd } from '../faults/ending.mjs';
import { freePort } from '../faults/server.mjs';
import { until } from './client.mjs';

const FIRST_PORT = 4775;
const PATIENCE = 20_000;

export class Replica extends Cluster {
  static async of(primary, parent) {
    const folder = join(parent, 'replica');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    if (process.getuid() === 0) execFileSync('chown', ['postgres', folder]);
    const replica = new Replica(folder, await freePort(FIRST_PORT));
    replica.primary = primary;
    // The replication slot retains WAL while the replica is down; -R configures the copy as a replica.
    const from = `-h 127.0.0.1 -p ${primary.port} -U salesgraph`;
    await replica.asOwner(`pg_basebackup ${from} -D ${folder}/cluster -R -c fast -C -S replica`);
    atEnd(() => replica.endNow());
    await replica.begin();
    await replica.caughtUp();
    return replica;
  }

  /** Waits until the replica has replayed everything that the primary has written so far. */
  async caughtUp() {
    const end = await this.primary.sql('SELECT pg_current_wal_lsn()');
    const replayed = async () => (await this.sql(`SELECT pg_last_wal_replay_lsn() >= '${end}'`)) === 't';
    if ((await until(replayed, PATIENCE)) === null) throw new Error('the replica did not catch up in time');
  }

  /** The replication lag in bytes of WAL. */
  async behind() {
    const replayed = await this.sql('SELECT pg_last_wal_replay_lsn()');
    return Number(await this.primary.sql(`SELECT pg_current_wal_lsn() - '${replayed}'::pg_lsn`));
  }

  /** Pauses replay: the replica receives WAL but does not apply it. */
  async pause() {
    await this.sql('SELECT pg_wal_replay_pause()');
    const paused = async () => (await this.sql('SELECT pg_get_wal_replay_pause_state()')) === 'paused';
    if ((await until(paused, PATIENCE, 10)) === null) throw new Error('the replica did not pause in time');
  }

  async resume() {
    await this.sql('SELECT pg_wal_replay_resume()');
  }

  /** Makes the replica run and replay again, whatever its state. */
  async restore() {
    const answers = await this.sql('SELECT 1').catch(() => null);
    if (!answers) await this.begin();
    await this.resume();
    await this.caughtUp();
  }
}

/** The number of statements a cluster has executed since its start: list statements, and all statements. */
async function statements(cluster) {
  const counted = await cluster.sql(`SELECT
      coalesce(sum(calls) FILTER (WHERE query ~ '^SELECT .* FROM "(companies|prospects|outreach_drafts)"'), 0),
      coalesce(sum(calls), 0)
    FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'`);
  return counted.split('|').map(Number);
}

/** Counts the statements of both clusters while `work` runs; `share` is the replica's share of list statements. */
export async function answeredBy({ primary, replica }, work) {
  const before = [await statements(primary), await statements(replica)];
  await work();
  const after = [await statements(primary), await statements(replica)];
  const [[byPrimary, allByPrimary], [byReplica, allByReplica]] = after.map((counts, cluster) =>
    counts.map((count, kind) => count - before[cluster][kind]),
  );
  const lists = byPrimary + byReplica;
  const words = `${byReplica} on the replica, ${byPrimary} on the primary`;
  const all = `all statements: ${allByReplica} and ${allByPrimary}`;
  return { lists, share: byReplica / lists, words: `${words} (${all})` };
}

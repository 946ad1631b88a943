// The test environment: a primary with a streaming replica, two servers that use both, and a load balancer.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Cluster } from '../faults/cluster.mjs';
import { atEnd } from '../faults/ending.mjs';
import { Server, command, flag, freePort } from '../faults/server.mjs';
import { Replica } from './replica.mjs';

/** Number of balancer frontends. Each client has its own, so that its connections alternate between the servers. */
const FRONTS = 10;
const SETTINGS = { wal_level: 'replica', shared_preload_libraries: 'pg_stat_statements' };

export class Place {
  servers = [];
  hasReplica = !process.env.NO_REPLICA;

  static async make(folder) {
    const place = new Place();
    place.folder = folder;
    if (place.hasReplica && !flag('--replica', '').length) {
      console.error('this binary does not support --replica; set NO_REPLICA=1 to run without it');
      process.exit(2);
    }
    place.primary = await Cluster.start(folder);
    for (const [name, value] of Object.entries(SETTINGS)) {
      await place.primary.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
    }
    await place.primary.stop('fast');
    await place.primary.begin();
    await place.primary.sql('CREATE EXTENSION pg_stat_statements');
    place.replica = await Replica.of(place.primary, folder);
    command(place.primary.url, 'seed');
    await place.replica.caughtUp();
    for (const number of [0, 1]) place.servers.push(await place.serve(number));
    await place.#balance();
    return place;
  }

  /** Starts a server, with the replica if enabled, and on the given port if it replaces an earlier server. */
  async serve(name, { port, replica = this.hasReplica } = {}) {
    const folder = join(this.folder, `server-${name}`);
    mkdirSync(folder, { recursive: true });
    const flags = replica ? ['--replica', this.replica.url] : [];
    return Server.start(this.primary.url, folder, { port: port ?? (await freePort(4700)), flags });
  }

  async #balance() {
    const program = fileURLToPath(new URL('balancer.mjs', import.meta.url));
    const ports = this.servers.map((server) => server.port);
    const words = [program, FRONTS, ...ports].map(String);
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    atEnd(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    this.fronts = JSON.parse(line);
  }

  /** Restores the replica and the servers after a failed check. */
  async restore() {
    await this.replica.restore();
    for (const [number, server] of this.servers.entries()) {
      if (!server.alive) this.servers[number] = await this.serve(number, { port: server.port });
    }
  }
}

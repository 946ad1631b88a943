// How many answers a second there are of one nested read. Only told: on one machine all of them, and the one who
// asks, share its processors.

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask } from './client.mjs';
import { tally } from './figures.mjs';

const CONNECTIONS = 16;
const WARM = 1_000;
const MEASURED = 5_000;
const READ = '{ companies(first: 20) { nodes { name prospects(first: 5) { nodes { fullName } } } } }';

/** Answers a second, on connections that are kept. */
async function measure(port, figures) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const from = performance.now() + WARM;
  const to = from + MEASURED;
  let answers = 0;
  const failed = [];
  const work = async () => {
    while (performance.now() < to) {
      const { code } = await ask(port, READ, {}, { agent });
      if (code) failed.push(code);
      else if (performance.now() >= from && performance.now() < to) answers += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  agent.destroy();
  figures.must(failed.length === 0, `failed: ${tally(failed)}`);
  await sleep(1_000);
  return `${Math.round((answers * 1_000) / MEASURED)}/s`;
}

export default async function throughput(place, figures) {
  const alone = await place.serve('alone', { replica: false });
  figures.tell('one server without the replica', await measure(alone.port, figures));
  await alone.kill('SIGKILL');
  if (place.hasReplica) figures.tell('one with', await measure(place.servers[0].port, figures));
  figures.tell('two behind the balancer', await measure(place.fronts[0], figures));
}

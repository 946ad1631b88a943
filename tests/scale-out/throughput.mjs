// Responses per second for one nested query. The rates are reported, but not asserted, because the servers, the
// databases and the client share the processors of one machine.

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask } from './client.mjs';
import { tally } from './figures.mjs';

const CONNECTIONS = 16;
const WARM = 1_000;
const MEASURED = 5_000;
const READ = '{ companies(first: 20) { nodes { name prospects(first: 5) { nodes { fullName } } } } }';

/** Measures responses per second on keep-alive connections. */
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
  figures.must(failed.length === 0, `requests failed: ${tally(failed)}`);
  await sleep(1_000);
  return `${Math.round((answers * 1_000) / MEASURED)}/s`;
}

export default async function throughput(place, figures) {
  const alone = await place.serve('alone', { replica: false });
  figures.tell('one server without the replica', await measure(alone.port, figures));
  await alone.kill('SIGKILL');
  if (place.hasReplica) figures.tell('one server with the replica', await measure(place.servers[0].port, figures));
  figures.tell('two servers behind the load balancer', await measure(place.fronts[0], figures));
}

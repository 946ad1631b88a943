// The replica crashes during reads and writes and restarts five seconds later; no request fails.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from './client.mjs';
import { time } from './figures.mjs';
import { readLists } from './reads.mjs';
import { answeredBy } from './replica.mjs';
import { judge, slowest, writing } from './writers.mjs';

const LONGEST_REQUEST = 5_000;
const LONGEST_RETURN = 30_000;
/** Minimum share of list statements that run on the replica once it is used again. */
const LEAST_SHARE = 0.95;

/** Waits until lists are read from the replica again. */
export async function comeBack(place, figures) {
  if (!place.hasReplica) return;
  const used = async () => (await answeredBy(place, () => readLists(place, 12))).share >= LEAST_SHARE;
  const after = await until(used, LONGEST_RETURN, 250);
  figures.tell('replica used again after', time(after));
  figures.must(after !== null, 'lists are no longer read from the replica');
}

export default async function replicaAway(place, figures) {
  let stopping, back;
  const samples = await writing(place, async () => {
    await sleep(5_000);
    stopping = performance.now();
    await place.replica.stop('immediate');
    await sleep(5_000);
    await place.replica.begin();
    back = performance.now();
    await sleep(5_000);
  });
  judge(samples, figures);
  const { write, read } = slowest(samples, stopping, back);
  figures.tell('during the outage', `slowest write ${time(write)}, slowest read ${time(read)}`);
  const longest = Math.max(...samples.map(({ ms }) => ms));
  figures.must(longest <= LONGEST_REQUEST, `a request took ${time(longest)}`);
  await comeBack(place, figures);
}

// Lists are read from the replica, with at most a few exceptions.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask } from './client.mjs';
import { spread, tally } from './figures.mjs';
import { answeredBy } from './replica.mjs';

const FIRST_READS = 60;
const READS = 200;
/** Minimum share of list statements that run on the replica. */
const LEAST_SHARE = 0.95;
const QUERIES = [
  '{ companies(first: 20) { nodes { name prospects(first: 5) { nodes { fullName } } } } }',
  '{ prospects(first: 20, filter: { isActive: { eq: true } }) { totalCount nodes { fullName } } }',
  '{ outreachDrafts(first: 20) { nodes { content prospect { fullName company { name } } } } }',
];

export async function readLists(place, count, outcomes = []) {
  for (let number = 0; number < count; number += 1) {
    outcomes.push(await ask(place.fronts[0], QUERIES[number % QUERIES.length]));
  }
}

export default async function reads(place, figures) {
  await place.replica.caughtUp();
  await sleep(1_000);
  // The first reads may prune pages, including catalog pages, which writes WAL. They are reported, but not asserted.
  const first = await answeredBy(place, () => readLists(place, FIRST_READS));
  await sleep(1_000);
  const outcomes = [];
  const by = await answeredBy(place, () => readLists(place, READS, outcomes));
  const failed = outcomes.filter(({ code }) => code);
  figures.tell('reads', `${outcomes.length} (${spread(outcomes.map(({ ms }) => ms))})`);
  figures.tell('failed', tally(failed.map(({ code }) => code)));
  figures.tell('list statements', by.words);
  figures.tell(`in the first ${FIRST_READS} reads`, first.words);
  figures.must(failed.length === 0, `${failed.length} reads failed: ${failed[0]?.code} ${failed[0]?.text}`);
  figures.must(by.lists >= READS, 'fewer list statements than reads; the statistics do not cover all reads');
  if (place.hasReplica) figures.must(by.share >= LEAST_SHARE, `only ${(by.share * 100).toFixed(1)} % of list statements ran on the replica`);
}

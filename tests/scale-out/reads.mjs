// Lists are read from the replica, and hardly one from the primary.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask } from './client.mjs';
import { spread, tally } from './figures.mjs';
import { answeredBy } from './replica.mjs';

const FIRST_READS = 60;
const READS = 200;
/** Of the statements that read lists. */
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
  // Who reads first may tidy pages up, of the catalogue too, and that is written to the log: told, and no more.
  const first = await answeredBy(place, () => readLists(place, FIRST_READS));
  await sleep(1_000);
  const outcomes = [];
  const by = await answeredBy(place, () => readLists(place, READS, outcomes));
  const failed = outcomes.filter(({ code }) => code);
  figures.tell('reads', `${outcomes.length} (${spread(outcomes.map(({ ms }) => ms))})`);
  figures.tell('failed', tally(failed.map(({ code }) => code)));
  figures.tell('statements of lists', by.words);
  figures.tell(`before, in the first ${FIRST_READS} reads`, first.words);
  figures.must(failed.length === 0, `${failed.length} reads failed: ${failed[0]?.code} ${failed[0]?.text}`);
  figures.must(by.lists >= READS, 'fewer statements than reads: something else was counted');
  if (place.hasReplica) figures.must(by.share >= LEAST_SHARE, `${(by.share * 100).toFixed(1)} % by the replica`);
}

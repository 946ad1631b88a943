// Read-your-writes consistency: a client sees its own write immediately, on the other server too.

import { setTimeout as sleep } from 'node:timers/promises';

import { answeredBy } from './replica.mjs';
import { judge, writing } from './writers.mjs';

export default async function ownWrites(place, figures) {
  let samples;
  const by = await answeredBy(place, async () => {
    samples = await writing(place, () => sleep(15_000));
  });
  judge(samples, figures);
  // A mutation reads the row for its response from the primary, so not all list statements run on the replica.
  figures.tell('list statements', by.words);
}

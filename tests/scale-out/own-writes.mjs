// Whoever has written something reads it at once, by the other server too.

import { setTimeout as sleep } from 'node:timers/promises';

import { answeredBy } from './replica.mjs';
import { judge, writing } from './writers.mjs';

export default async function ownWrites(place, figures) {
  let samples;
  const by = await answeredBy(place, async () => {
    samples = await writing(place, () => sleep(15_000));
  });
  judge(samples, figures);
  // A mutation reads the row for its answer, so not all of them can be on the replica.
  figures.tell('statements of lists', by.words);
}

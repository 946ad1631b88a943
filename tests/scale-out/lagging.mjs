// Replication lag: the replica replays nothing for five seconds during reads and writes; no read is stale.

import { setTimeout as sleep } from 'node:timers/promises';

import { time } from './figures.mjs';
import { comeBack } from './replica-away.mjs';
import { judge, slowest, writing } from './writers.mjs';

export default async function lagging(place, figures) {
  let pausing, resumed, behind;
  const samples = await writing(place, async () => {
    await sleep(5_000);
    pausing = performance.now();
    await place.replica.pause();
    await sleep(5_000);
    behind = await place.replica.behind();
    await place.replica.resume();
    resumed = performance.now();
    await sleep(5_000);
  });
  judge(samples, figures);
  const { write, read } = slowest(samples, pausing, resumed);
  figures.tell('while paused', `slowest write ${time(write)}, slowest read ${time(read)}`);
  figures.tell('replication lag', `${Math.round(behind / 1024)} KiB`);
  figures.must(behind > 0, 'the replica did not lag, so nothing was tested');
  await comeBack(place, figures);
}

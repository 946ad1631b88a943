// Runs the named checks sequentially in one environment. Each prints one line with its figures, followed by failed
// assertions.

import { setTimeout as sleep } from 'node:timers/promises';

import { Figures } from './figures.mjs';
import { Place } from './place.mjs';

const ALL = ['reads', 'own-writes', 'lagging', 'replica-away', 'subscribers', 'throughput'];
const [folder, ...named] = process.argv.slice(2);
const unknown = named.filter((name) => !ALL.includes(name));
if (unknown.length) {
  console.error(`unknown check: ${unknown.join(', ')}; available checks: ${ALL.join(', ')}`);
  process.exit(2);
}
process.on('SIGHUP', () => process.exit(129));

async function attempt(place, name, check) {
  const figures = new Figures();
  try {
    await check(place, figures);
  } catch (error) {
    figures.must(false, error.stack);
  }
  figures.must(place.servers.every((server) => server.alive), 'a server exited unexpectedly');
  figures.print(name);
  for (const words of figures.ok ? [] : place.servers.map((server) => server.lastWords())) {
    if (words) console.log(words.replace(/^/gm, '  log: '));
  }
  return figures.ok;
}

const place = await Place.make(folder);
const names = named.length ? named : ALL;
let failed = 0;
for (const name of names) {
  const { default: check } = await import(`./${name}.mjs`);
  if (!(await attempt(place, name, check))) failed += 1;
  await place.restore();
  await sleep(1_000);
}
const without = place.hasReplica ? '' : ' (without --replica)';
console.log(`scale-out: ${names.length - failed} passed, ${failed} failed${without}`);
process.exit(failed ? 1 : 0);

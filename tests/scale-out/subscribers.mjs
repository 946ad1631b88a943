// Subscribers to new drafts receive each draft once, in the same order, regardless of the server that wrote it. After a
// server is killed, its subscribers resume on the other server.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Subscriber, demand, until, write } from './client.mjs';
import { spread, time } from './figures.mjs';

const DRAFT = `mutation ($input: CreateOutreachDraftInput!) {
  createOutreachDraft(input: $input) { outreachDraft { id } userErrors { code message } } }`;
const BEFORE = 300;
const AFTER = 150;
const WRITERS = 4;
const PATIENCE = 15_000;

/** Creates drafts through the load balancer and records when each was acknowledged. */
class Author {
  acknowledged = new Map();
  again = 0;

  constructor(fronts, prospectId) {
    Object.assign(this, { fronts, prospectId });
  }

  /** Creates one draft; retries failed requests with the same idempotency key. */
  async #create(front) {
    const idempotencyKey = randomUUID();
    const input = { prospectId: this.prospectId, draftType: 'initial', content: idempotencyKey, idempotencyKey };
    for (let tries = 0; tries < 50; tries += 1) {
      const { code, row } = await write(front, DRAFT, input);
      if (!code) return this.acknowledged.set(row.id, performance.now());
      this.again += 1;
      await sleep(100);
    }
    throw new Error('failed to create a draft on either server');
  }

  async create(count) {
    let left = count;
    const work = async (front) => {
      while (left > 0) {
        left -= 1;
        await this.#create(front);
      }
    };
    await Promise.all(this.fronts.slice(0, WRITERS).map(work));
  }
}

/** Waits until all subscribers have all drafts; reports missing, duplicate and reordered events. */
async function compare(subscribers, acknowledged, figures) {
  const complete = ({ received }) => received.length >= acknowledged.size;
  await until(() => subscribers.every(complete), PATIENCE);
  await sleep(500); // wait for duplicates
  const orders = new Set();
  for (const { received } of subscribers) {
    const ids = new Set(received.map(({ id }) => id));
    const missing = [...acknowledged.keys()].filter((id) => !ids.has(id)).length;
    figures.must(missing === 0, `a subscriber missed ${missing} of ${acknowledged.size} drafts`);
    figures.must(ids.size === received.length, `a subscriber received ${received.length - ids.size} duplicates`);
    figures.must(ids.size <= acknowledged.size, 'a subscriber received more drafts than were acknowledged');
    orders.add(received.map(({ id }) => id).join());
  }
  figures.must(orders.size === 1, `subscribers received events in ${orders.size} different orders`);
}

/** Delays from the response of a mutation to its event; 0 if the event arrived first. */
function delays(subscribers, acknowledged) {
  return subscribers.flatMap(({ received }) => received.map(({ id, at }) => Math.max(0, at - acknowledged.get(id))));
}

export default async function subscribersOfBoth(place, figures) {
  const { fronts, servers } = place;
  const { changes, prospects } = await demand(
    fronts[0],
    '{ changes(last: 1) { pageInfo { endCursor } } prospects(first: 1) { nodes { id } } }',
  );
  const author = new Author(fronts, prospects.nodes[0].id);
  const follow = ({ port }) => new Subscriber(port, fronts[WRITERS], changes.pageInfo.endCursor);
  const subscribers = servers.flatMap((server) => [follow(server), follow(server)]);
  try {
    await sleep(1_000);
    await author.create(BEFORE);
    await compare(subscribers, author.acknowledged, figures);
    figures.tell('drafts', `${BEFORE} to each of ${subscribers.length}`);
    const own = spread(delays(subscribers, author.acknowledged));
    figures.tell('from response to event', own);

    const [, killed] = servers;
    const creating = author.create(AFTER);
    await until(() => author.acknowledged.size > BEFORE + 20, PATIENCE, 1);
    const at = performance.now();
    await killed.kill('SIGKILL');
    await creating;
    await compare(subscribers, author.acknowledged, figures);
    const [, , ...moved] = subscribers;
    const first = moved.map(({ received }) => received.find((event) => event.at > at + 100)?.at ?? Infinity);
    figures.tell('drafts while a server was killed', `${author.acknowledged.size - BEFORE}, ${author.again} retries`);
    figures.tell('subscribers of the killed server resumed after', time(Math.max(...first) - at));
    figures.must(moved.every(({ endings }) => endings > 0), 'no subscriber was disconnected, so nothing was tested');
    servers[1] = await place.serve(1, { port: killed.port });
  } finally {
    subscribers.forEach((subscriber) => subscriber.leave());
  }
}

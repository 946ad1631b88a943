// Clients that write and immediately read the written row, first from the other server and then from the same server.
// Each client has its own balancer frontend, where its connections alternate between the servers; a round has three
// connections.

import { randomUUID } from 'node:crypto';

import { ask, demand, write } from './client.mjs';
import { spread, tally } from './figures.mjs';

const WRITERS = 8;

const CREATE = `mutation ($input: CreateProspectInput!) {
  createProspect(input: $input) { prospect { id revision } userErrors { code message } } }`;
const UPDATE = `mutation ($input: UpdateProspectInput!) {
  updateProspect(input: $input) { prospect { id revision } userErrors { code message } } }`;
const DRAFT = `mutation ($input: CreateOutreachDraftInput!) {
  createOutreachDraft(input: $input) { outreachDraft { id } userErrors { code message } } }`;

const ONE_PROSPECT = 'query ($id: ID!) { prospect(id: $id) { id revision location } }';
const PROSPECTS = `query ($location: String!) {
  prospects(filter: { location: { eq: $location } }) { totalCount nodes { id revision } } }`;
const ONE_DRAFT = 'query ($id: ID!) { outreachDraft(id: $id) { content } }';
const DRAFTS = `query ($prospectId: ID!) {
  prospect(id: $prospectId) { outreachDrafts(last: 1) { nodes { id content } } } }`;

/** A writer with its own prospects: reads must return its latest write. */
class Writer {
  samples = [];
  #prospect = null;
  #round = 0;

  constructor(front, companyId) {
    Object.assign(this, { front, companyId });
  }

  /** One write and two reads of it. */
  async round() {
    this.#round += 1;
    if (!this.#prospect) await this.#create();
    else if (this.#round % 2) await this.#draft();
    else await this.#update();
  }

  async #create() {
    const location = randomUUID();
    const input = { fullName: 'Ada Again', email: `${location}@again.example`, companyId: this.companyId, location };
    const row = await this.#write(CREATE, input);
    if (row) await this.#readProspect(row, location);
  }

  async #update() {
    const location = randomUUID();
    const { id, revision: expectedRevision } = this.#prospect;
    const row = await this.#write(UPDATE, { id, expectedRevision, patch: { location } });
    if (row) await this.#readProspect(row, location);
  }

  async #draft() {
    const content = randomUUID();
    const prospectId = this.#prospect.id;
    const row = await this.#write(DRAFT, { prospectId, draftType: 'initial', content });
    if (!row) return;
    await this.#readBoth(
      { id: row.id, content },
      [ONE_DRAFT, { id: row.id }, ({ outreachDraft }) => outreachDraft?.content === content],
      [DRAFTS, { prospectId }, ({ prospect }) => prospect?.outreachDrafts.nodes[0]?.content === content],
    );
  }

  async #readProspect({ id, revision }, location) {
    this.#prospect = { id, revision };
    const isIt = (prospect) => prospect?.id === id && prospect.revision === revision;
    await this.#readBoth(
      { id, revision, location },
      [ONE_PROSPECT, { id }, ({ prospect }) => isIt(prospect) && prospect.location === location],
      [PROSPECTS, { location }, ({ prospects }) => prospects.totalCount === 1 && isIt(prospects.nodes[0])],
    );
  }

  async #write(mutation, input) {
    const outcome = await write(this.front, mutation, input);
    this.samples.push({ kind: 'write', ...outcome });
    // It is unknown whether the write was committed, so the writer continues with a new prospect.
    if (outcome.code) this.#prospect = null;
    return outcome.row;
  }

  /** Reads in random order, so that each query is sent to the other server in half of the rounds. */
  async #readBoth(written, one, other) {
    for (const [query, variables, isThere] of Math.random() < 0.5 ? [one, other] : [other, one]) {
      const outcome = await ask(this.front, query, variables);
      const stale = !outcome.code && !isThere(outcome.data);
      this.samples.push({ kind: 'read', stale, written, ...outcome });
    }
  }
}

/** Runs eight writers, each on its own frontend, while `work` runs; returns their samples. */
export async function writing({ fronts }, work) {
  const { companies } = await demand(fronts[0], '{ companies(first: 1) { nodes { id } } }');
  const writers = fronts.slice(0, WRITERS).map((front) => new Writer(front, companies.nodes[0].id));
  let going = true;
  const write = async (writer) => {
    while (going) await writer.round();
  };
  const all = Promise.all(writers.map(write));
  // Awaited below; until then an unhandled rejection must not crash this process.
  all.catch(() => {});
  try {
    await work();
  } finally {
    going = false;
    await all;
  }
  return writers.flatMap(({ samples }) => samples);
}

/** Asserts that no request failed and no read was stale. */
export function judge(samples, figures) {
  const writes = samples.filter(({ kind }) => kind === 'write');
  const reads = samples.filter(({ kind }) => kind === 'read');
  const stale = reads.filter((read) => read.stale);
  const failed = samples.filter(({ code }) => code);
  figures.tell('writes', `${writes.length} (${spread(writes.map(({ ms }) => ms))})`);
  figures.tell('reads', `${reads.length} (${spread(reads.map(({ ms }) => ms))})`);
  figures.tell('stale', stale.length);
  figures.tell('failed', tally(failed.map(({ kind, code }) => `${kind} ${code}`)));
  figures.must(reads.length > 0, 'no reads were made');
  const shown = stale.slice(0, 1).map(({ written, data }) => JSON.stringify({ written, data }));
  figures.must(stale.length === 0, `${stale.length} reads were stale: ${shown}`);
  figures.must(failed.length === 0, `${failed.length} requests failed: ${failed[0]?.code} ${failed[0]?.text}`);
}

/** The maximum duration per kind of the requests that overlap this time range. */
export function slowest(samples, from, to) {
  const during = samples.filter(({ begun, ms }) => begun < to && begun + ms > from);
  const of = (kind) => Math.max(0, ...during.filter((sample) => sample.kind === kind).map(({ ms }) => ms));
  return { write: of('write'), read: of('read') };
}

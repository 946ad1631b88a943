// The rows that are written and read under a fault, and the load that does so.

import { randomUUID } from 'node:crypto';

import { ask, demand } from './client.mjs';

const INDUSTRY = `mutation ($input: CreateIndustryInput!) {
  createIndustry(input: $input) { industry { id name } userErrors { code message } } }`;
const COMPANY = `mutation ($input: CreateCompanyInput!) {
  createCompany(input: $input) { company { id } userErrors { code message } } }`;
const PROSPECT = `mutation ($input: CreateProspectInput!) {
  createProspect(input: $input) { prospect { id } userErrors { code message } } }`;
const DRAFT = `mutation ($input: CreateOutreachDraftInput!) {
  createOutreachDraft(input: $input) { outreachDraft { id content } userErrors { code message } } }`;
const DRAFTS = `mutation ($input: CreateOutreachDraftsInput!) {
  createOutreachDrafts(input: $input) { outreachDrafts { id } userErrors { code message } } }`;

/** The prospect that all drafts are for. */
export async function prospect(server) {
  const make = async (mutation, input) => {
    const [payload] = Object.values(await demand(server, mutation, { input }));
    if (payload.userErrors.length) throw new Error(payload.userErrors[0].message);
    return Object.values(payload)[0].id;
  };
  const industryId = await make(INDUSTRY, { name: 'the industry of the prospect' });
  const company = { name: 'Fault & Sons', industryId, size: '11-50', website: 'https://fault.example' };
  const companyId = await make(COMPANY, company);
  return make(PROSPECT, { fullName: 'Ada Fault', email: 'ada@fault.example', companyId });
}

/** A write that can be sent again: the same input under the same key. `text` is what is stored. */
export function draftOf(prospectId, length = 0) {
  const idempotencyKey = randomUUID();
  const content = idempotencyKey.padEnd(length, '.');
  const input = { prospectId, draftType: 'initial', subject: idempotencyKey, content, idempotencyKey };
  return { mutation: DRAFT, input, text: content, kind: 'draft' };
}

/** The same for an industry. */
export function industry() {
  const idempotencyKey = randomUUID();
  const input = { name: idempotencyKey, idempotencyKey };
  return { mutation: INDUSTRY, input, text: idempotencyKey, kind: 'industry' };
}

/**
 * Sends a write; the outcome has the `id` of the row. Its code is REFUSED where the input was refused, and
 * NEITHER where there is neither a row nor a reason.
 */
export async function send(server, write, options) {
  const outcome = await ask(server, write.mutation, { input: write.input }, options);
  if (outcome.code) return outcome;
  const [{ userErrors, ...payload }] = Object.values(outcome.data);
  const [row] = Object.values(payload);
  if (!row && !userErrors.length) return { ...outcome, code: 'NEITHER', text: JSON.stringify(outcome.data) };
  if (!row) return { ...outcome, code: 'REFUSED', text: userErrors[0].message };
  return { ...outcome, id: row.id, text: row.content ?? row.name };
}

/** Writes 100 drafts at once; gives their ids. */
export async function hundredDrafts(server, prospectId, length) {
  const content = '.'.repeat(length);
  const outreachDrafts = Array(100).fill({ prospectId, draftType: 'initial', content });
  const { createOutreachDrafts: made } = await demand(server, DRAFTS, { input: { outreachDrafts } });
  if (made.userErrors.length) throw new Error(made.userErrors[0].message);
  return made.outreachDrafts.map((draft) => draft.id);
}

/** How many rows there are of each kind, and how many the change log says were made. */
export async function counts(server) {
  const made = (entity) => `changes(first: 0, filter: { entity: { eq: ${entity} }, kind: { eq: CREATED } })`;
  const data = await demand(server, `{
    drafts: outreachDrafts(first: 0) { totalCount }
    draftChanges: ${made('OUTREACH_DRAFT')} { totalCount }
    industries(first: 0) { totalCount }
    industryChanges: ${made('INDUSTRY')} { totalCount } }`);
  return Object.fromEntries(Object.entries(data).map(([name, list]) => [name, list.totalCount]));
}

/** How many rows this write has made: its key is the name, or the subject, of the row. */
export async function copies(server, { kind, input }) {
  const list = kind === 'draft' ? 'outreachDrafts' : 'industries';
  const column = kind === 'draft' ? 'subject' : 'name';
  const filter = `{ ${column}: { eq: "${input.idempotencyKey}" } }`;
  return (await demand(server, `{ ${list}(first: 0, filter: ${filter}) { totalCount } }`))[list].totalCount;
}

/** So many workers that do `step` again and again; `end()` waits until all have finished their last. */
export function load(workers, step) {
  let going = true;
  const work = async () => {
    while (going) await step();
  };
  const all = Promise.all(Array.from({ length: workers }, work));
  // Whoever waits for the end is told of a failure. Until then it is no crash of this process.
  all.catch(() => {});
  return {
    end() {
      going = false;
      return all;
    },
  };
}

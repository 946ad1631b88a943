// Rows written and read during a fault, and the load generator.

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

/** Creates the prospect that all drafts belong to; returns its ID. */
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

/** A retryable write: the same input with the same idempotency key. `text` is the expected stored value. */
export function draftOf(prospectId, length = 0) {
  const idempotencyKey = randomUUID();
  const content = idempotencyKey.padEnd(length, '.');
  const input = { prospectId, draftType: 'initial', subject: idempotencyKey, content, idempotencyKey };
  return { mutation: DRAFT, input, text: content, kind: 'draft' };
}

/** A retryable write of an industry. */
export function industry() {
  const idempotencyKey = randomUUID();
  const input = { name: idempotencyKey, idempotencyKey };
  return { mutation: INDUSTRY, input, text: idempotencyKey, kind: 'industry' };
}

/**
 * Sends a write; the outcome has the `id` of the row. Its code is REJECTED if the input was rejected, and
 * NO_RESULT if the payload has neither a row nor a user error.
 */
export async function send(server, write, options) {
  const outcome = await ask(server, write.mutation, { input: write.input }, options);
  if (outcome.code) return outcome;
  const [{ userErrors, ...payload }] = Object.values(outcome.data);
  const [row] = Object.values(payload);
  if (!row && !userErrors.length) return { ...outcome, code: 'NO_RESULT', text: JSON.stringify(outcome.data) };
  if (!row) return { ...outcome, code: 'REJECTED', text: userErrors[0].message };
  return { ...outcome, id: row.id, text: row.content ?? row.name };
}

/** Creates 100 drafts in one request; returns their IDs. */
export async function hundredDrafts(server, prospectId, length) {
  const content = '.'.repeat(length);
  const outreachDrafts = Array(100).fill({ prospectId, draftType: 'initial', content });
  const { createOutreachDrafts: made } = await demand(server, DRAFTS, { input: { outreachDrafts } });
  if (made.userErrors.length) throw new Error(made.userErrors[0].message);
  return made.outreachDrafts.map((draft) => draft.id);
}

/** The number of rows of each kind, and of their CREATED entries in the change log. */
export async function counts(server) {
  const made = (entity) => `changes(first: 0, filter: { entity: { eq: ${entity} }, kind: { eq: CREATED } })`;
  const data = await demand(server, `{
    drafts: outreachDrafts(first: 0) { totalCount }
    draftChanges: ${made('OUTREACH_DRAFT')} { totalCount }
    industries(first: 0) { totalCount }
    industryChanges: ${made('INDUSTRY')} { totalCount } }`);
  return Object.fromEntries(Object.entries(data).map(([name, list]) => [name, list.totalCount]));
}

/** The number of rows created by this write, found by its idempotency key, which is the row's name or subject. */
export async function copies(server, { kind, input }) {
  const list = kind === 'draft' ? 'outreachDrafts' : 'industries';
  const column = kind === 'draft' ? 'subject' : 'name';
  const filter = `{ ${column}: { eq: "${input.idempotencyKey}" } }`;
  return (await demand(server, `{ ${list}(first: 0, filter: ${filter}) { totalCount } }`))[list].totalCount;
}

/** Starts workers that repeat `step`; `end()` stops them and waits until all have finished. */
export function load(workers, step) {
  let going = true;
  const work = async () => {
    while (going) await step();
  };
  const all = Promise.all(Array.from({ length: workers }, work));
  // `end()` reports a failure; until then an unhandled rejection must not crash this process.
  all.catch(() => {});
  return {
    end() {
      going = false;
      return all;
    },
  };
}

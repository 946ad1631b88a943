// Lists that come in: how fast 50,000 rows are looked at and written, who of those that stand in them twice is found, and
// what is left when the server is killed at ten moments while one is written.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask, demand, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { people } from './people.mjs';

const ROWS = Number(process.env.SALESGRAPH_LIST_ROWS ?? 50_000);
const KILLED_ROWS = Math.floor(ROWS * 0.4);
const KILLS = 10;

/** Sends a list; gives the answer and the milliseconds it took. */
async function send(server, csv) {
  const form = new FormData();
  form.append('file', new Blob([csv], { type: 'text/csv' }), 'people.csv');
  const begun = performance.now();
  const response = await fetch(`${server.address}/imports`, { method: 'POST', body: form });
  const answer = await response.json();
  if (response.status !== 201) throw new Error(JSON.stringify(answer));
  return { ...answer, ms: performance.now() - begun };
}

const JOB = `query ($id: ID!) { importJob(id: $id) {
  status totalRecords processedRecords createdRecords updatedRecords skippedRecords failedRecords pendingRecords undoneRecords undoSkippedRecords } }`;

async function job(server, id) {
  return (await demand(server, JOB, { id })).importJob;
}

/** Does an act, and waits until the job is in this state. */
async function act(server, what, id, state) {
  const begun = performance.now();
  await demand(server, `mutation ($id: ID!) { ${what}(input: { id: $id }) { userErrors { message } } }`, { id });
  const came = await until(async () => (await job(server, id)).status === state, 600_000, 200);
  if (came === null) throw new Error(`${what} does not end`);
  return performance.now() - begun;
}

/** Which rows were taken for somebody who stands before: surely, or for a person to decide. */
async function found(server, id) {
  const [sure, maybe] = [new Set(), new Set()];
  let after = null;
  do {
    const query = `query ($id: ID!, $after: String) { importRecords(first: 100, after: $after, filter: {
      importJobId: { eq: $id }, verdict: { in: [UPDATE, SKIP, MERGE_CANDIDATE] } }) {
      nodes { recordIndex verdict } pageInfo { hasNextPage endCursor } } }`;
    const { importRecords: page } = await demand(server, query, { id, after });
    for (const row of page.nodes) (row.verdict === 'MERGE_CANDIDATE' ? maybe : sure).add(row.recordIndex);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);
  return { sure, maybe };
}

function quality(name, rows, planted, figures) {
  const right = [...rows].filter((row) => planted.has(row)).length;
  const percent = (part, whole) => `${((100 * part) / whole).toFixed(2)} %`;
  figures.tell(`${name}: precision`, `${percent(right, rows.size)} (${right} of ${rows.size})`);
  figures.tell('recall', `${percent(right, planted.size)} (of ${planted.size})`);
}

const COUNTS = `{ prospects { totalCount } counted: prospects { aggregate { email { distinct } } }
  made: changes(filter: { entity: { eq: PROSPECT }, kind: { eq: CREATED } }) { totalCount } }`;

async function counts(server) {
  const { prospects, counted, made } = await demand(server, COUNTS);
  return { prospects: prospects.totalCount, emails: counted.aggregate.email.distinct, made: made.totalCount };
}

function adds(counted) {
  const { createdRecords, updatedRecords, skippedRecords, failedRecords, pendingRecords, totalRecords } = counted;
  return createdRecords + updatedRecords + skippedRecords + failedRecords + pendingRecords === totalRecords;
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { figures } = place;
  let server = await place.serve();
  const { csv, planted, kinds } = people(ROWS);
  const per = (ms) => `${Math.round((1_000 * ROWS) / ms)} rows/s`;
  const first = server.memory().own;
  const sent = await send(server, csv);
  const { id } = sent.importJob;
  figures.tell(`${ROWS} rows looked at`, `${time(sent.ms)}, ${per(sent.ms)}`);
  figures.tell('memory of its own', `${first.toFixed(0)} → ${server.memory().own.toFixed(0)} MB`);
  const { sure, maybe } = await found(server, id);
  quality('surely the same', sure, planted, figures);
  quality('with those for a person', new Set([...sure, ...maybe]), planted, figures);
  for (const kind of Object.keys(kinds)) {
    const of = [...planted].filter(([, known]) => known === kind).map(([row]) => row);
    const [surely, perhaps] = [of.filter((row) => sure.has(row)).length, of.filter((row) => maybe.has(row)).length];
    figures.tell(`“${kinds[kind]}”`, `${surely} + ${perhaps} of ${of.length}`);
  }
  const written = await act(server, 'commitImportJob', id, 'COMPLETED');
  figures.tell('written', `${time(written)}, ${per(written)}`);
  figures.tell('memory', `${server.memory().own.toFixed(0)} MB`);
  const counted = await job(server, id);
  figures.must(adds(counted), `the counts do not add up: ${JSON.stringify(counted)}`);
  const undone = await act(server, 'undoImportJob', id, 'UNDONE');
  figures.tell('taken back', `${time(undone)}, ${per(undone)}`);
  const left = await counts(server);
  figures.must(left.prospects === 0, `${left.prospects} prospects are left`);

  const other = people(KILLED_ROWS, 20, 11);
  const { importJob: killed } = await send(server, other.csv);
  const before = await counts(server);
  await demand(server, 'mutation ($id: ID!) { commitImportJob(input: { id: $id }) { userErrors { message } } }', { id: killed.id });
  let kills = 0;
  const seen = [];
  for (; kills < KILLS; kills += 1) {
    // Another moment of a chunk each time; all ten are over before the list is.
    await sleep(150 + ((kills * 613) % 700));
    await server.kill('SIGKILL');
    server = await place.serve({ port: server.port });
    const now = await job(server, killed.id);
    const { prospects, emails, made } = await counts(server);
    seen.push(`${now.processedRecords - now.skippedRecords}`);
    figures.must(adds(now), `the counts do not add up: ${JSON.stringify(now)}`);
    figures.must(prospects === emails, `${prospects} prospects have ${emails} addresses`);
    figures.must(prospects === made - before.made, `${prospects} prospects, ${made - before.made} in the log`);
  }
  const ended = await until(async () => (await ask(server, JOB, { id: killed.id })).data?.importJob.status === 'COMPLETED', 600_000, 200);
  figures.must(ended !== null, 'it does not end');
  const end = await job(server, killed.id);
  const { prospects, emails, made } = await counts(server);
  figures.must(end.createdRecords === prospects && prospects === emails, `${end.createdRecords} made, ${prospects} there, ${emails} addresses`);
  figures.must(made - before.made === prospects, `${prospects} prospects, ${made - before.made} in the log`);
  figures.must(adds(end), `the counts do not add up: ${JSON.stringify(end)}`);
  figures.tell(`killed ${kills} times while ${KILLED_ROWS} rows were written, at rows`, seen.join(', '));
  figures.tell('then', `${end.createdRecords} made, ${prospects} there, each once, ${end.pendingRecords} wait for a person`);
});

// Imports: the speed of preview and commit with 50,000 rows, the quality of duplicate detection, and consistency after
// the server is killed ten times during a commit.

import { setTimeout as sleep } from 'node:timers/promises';

import { ask, demand, until } from './client.mjs';
import { fault, time } from './fault.mjs';
import { people } from './people.mjs';

const ROWS = Number(process.env.SALESGRAPH_LIST_ROWS ?? 50_000);
const KILLED_ROWS = Math.floor(ROWS * 0.4);
const KILLS = 10;

/** Uploads a file; returns the response with its duration in ms. */
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

/** Runs a business action and waits until the job has this status; returns the duration in ms. */
async function act(server, what, id, state) {
  const begun = performance.now();
  await demand(server, `mutation ($id: ID!) { ${what}(input: { id: $id }) { userErrors { message } } }`, { id });
  const came = await until(async () => (await job(server, id)).status === state, 600_000, 200);
  if (came === null) throw new Error(`${what} did not finish in time`);
  return performance.now() - begun;
}

/** Rows detected as duplicates: definite ones (`sure`) and match candidates that need review (`maybe`). */
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
  figures.tell(`preview of ${ROWS} rows`, `${time(sent.ms)}, ${per(sent.ms)}`);
  figures.tell('anonymous memory', `${first.toFixed(0)} → ${server.memory().own.toFixed(0)} MB`);
  const { sure, maybe } = await found(server, id);
  quality('definite duplicates', sure, planted, figures);
  quality('including match candidates', new Set([...sure, ...maybe]), planted, figures);
  for (const kind of Object.keys(kinds)) {
    const of = [...planted].filter(([, known]) => known === kind).map(([row]) => row);
    const [surely, perhaps] = [of.filter((row) => sure.has(row)).length, of.filter((row) => maybe.has(row)).length];
    figures.tell(`“${kinds[kind]}”`, `${surely} + ${perhaps} of ${of.length}`);
  }
  const written = await act(server, 'commitImportJob', id, 'COMPLETED');
  figures.tell('commit', `${time(written)}, ${per(written)}`);
  figures.tell('memory', `${server.memory().own.toFixed(0)} MB`);
  const counted = await job(server, id);
  figures.must(adds(counted), `the counts do not add up: ${JSON.stringify(counted)}`);
  const undone = await act(server, 'undoImportJob', id, 'UNDONE');
  figures.tell('undo', `${time(undone)}, ${per(undone)}`);
  const left = await counts(server);
  figures.must(left.prospects === 0, `${left.prospects} prospects are left`);

  const other = people(KILLED_ROWS, 20, 11);
  const { importJob: killed } = await send(server, other.csv);
  const before = await counts(server);
  await demand(server, 'mutation ($id: ID!) { commitImportJob(input: { id: $id }) { userErrors { message } } }', { id: killed.id });
  let kills = 0;
  const seen = [];
  for (; kills < KILLS; kills += 1) {
    // Each kill hits a different point of a chunk; all ten happen before the import finishes.
    await sleep(150 + ((kills * 613) % 700));
    await server.kill('SIGKILL');
    server = await place.serve({ port: server.port });
    const now = await job(server, killed.id);
    const { prospects, emails, made } = await counts(server);
    seen.push(`${now.processedRecords - now.skippedRecords}`);
    figures.must(adds(now), `the counts do not add up: ${JSON.stringify(now)}`);
    figures.must(prospects === emails, `${prospects} prospects have ${emails} distinct email addresses`);
    figures.must(prospects === made - before.made, `${prospects} prospects, ${made - before.made} in the change log`);
  }
  const ended = await until(async () => (await ask(server, JOB, { id: killed.id })).data?.importJob.status === 'COMPLETED', 600_000, 200);
  figures.must(ended !== null, 'the commit did not finish in time');
  const end = await job(server, killed.id);
  const { prospects, emails, made } = await counts(server);
  figures.must(end.createdRecords === prospects && prospects === emails, `${end.createdRecords} created, ${prospects} exist, ${emails} email addresses`);
  figures.must(made - before.made === prospects, `${prospects} prospects, ${made - before.made} in the change log`);
  figures.must(adds(end), `the counts do not add up: ${JSON.stringify(end)}`);
  figures.tell(`killed ${kills} times during the commit of ${KILLED_ROWS} rows, at rows`, seen.join(', '));
  figures.tell('result', `${end.createdRecords} created, ${prospects} exist, no duplicates, ${end.pendingRecords} pending review`);
});

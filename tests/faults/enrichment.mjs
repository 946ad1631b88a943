// Enrichment of prospects: speed, whether the reported cost equals the simulated cost, and consistency after the server
// is killed ten times during requests to a language model.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, demand, until } from './client.mjs';
import { fault, time } from './fault.mjs';

const PEOPLE = Number(process.env.SALESGRAPH_ENRICHED ?? 5_000);
const ASKED = Math.floor(PEOPLE / 5);
const KILLS = 10;
const PRICE = { input: 0.15, output: 0.6 };

/** A simulated language model with delays; `planted` is the total cost of its responses. */
class Model {
  planted = 0;
  calls = 0;
  answered = 0;

  async start() {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', async () => {
        this.calls += 1;
        const number = this.calls;
        await sleep(10 + (number % 7) * 5);
        const { record } = JSON.parse(JSON.parse(body).messages[1].content);
        const usage = { prompt_tokens: 300 + ((number * 37) % 200), completion_tokens: 20 + ((number * 13) % 60) };
        const fields = { job_title: { value: `Boss of ${record.full_name}`, confidence: 0.9 }, location: { value: 'Berlin', confidence: 0.8 } };
        const answer = { id: `call-${number}`, usage, choices: [{ finish_reason: 'stop', message: { content: JSON.stringify({ fields }) } }] };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(answer), () => {
          this.answered += 1;
          this.planted += Math.round((usage.prompt_tokens * PRICE.input + usage.completion_tokens * PRICE.output) * 100) / 1e8;
        });
      });
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.server.unref();
    return `http://127.0.0.1:${this.server.address().port}/v1`;
  }
}

const JOB = `query ($id: ID!) { importJob(id: $id) { status error totalRecords processedRecords enrichedRecords failedRecords skippedRecords actualCost } }`;

async function job(server, id) {
  return (await demand(server, JOB, { id })).importJob;
}

async function begin(server, ids, providers) {
  const query = `mutation ($ids: [ID!]) { enrichProspects(input: { ids: $ids, providers: ${providers} }) { importJob { id } userErrors { message } } }`;
  const { importJob, userErrors } = (await demand(server, query, { ids })).enrichProspects;
  if (!importJob) throw new Error(JSON.stringify(userErrors));
  return importJob.id;
}

async function ended(server, id) {
  const came = await until(async () => (await ask(server, JOB, { id })).data?.importJob.status === 'COMPLETED', 900_000, 200);
  if (came === null) throw new Error(`the enrichment did not finish in time: ${JSON.stringify(await job(server, id))}`);
}

/** The cost reported by the usage log, the records, the jobs and the daily usage. */
async function shown(server) {
  const query = `{ dailyUsage { cost calls } llmUsageLogs { aggregate { count cost { sum } } }
    importJobs { aggregate { actualCost { sum } } } importRecords { aggregate { cost { sum } } } }`;
  const data = await demand(server, query);
  return {
    ledger: data.llmUsageLogs.aggregate.cost.sum ?? 0,
    calls: data.llmUsageLogs.aggregate.count,
    jobs: data.importJobs.aggregate.actualCost.sum,
    records: data.importRecords.aggregate.cost.sum,
    days: data.dailyUsage.reduce((sum, day) => sum + day.cost, 0),
  };
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { figures } = place;
  const model = new Model();
  const flags = ['--llm-url', await model.start()];
  let server = await place.serve({ flags });
  const rows = Array.from({ length: PEOPLE }, (_, n) => `Person ${n},p${n}@company-${n}.example,+49301${String(2_000_000 + n)},Company ${n} Logistik`);
  const form = new FormData();
  form.append('file', new Blob([`Name,Email,Phone,Company\n${rows.join('\n')}\n`]), 'people.csv');
  form.append('commit', 'wait');
  const list = await (await fetch(`${server.address}/imports`, { method: 'POST', body: form })).json();
  await ended(server, list.importJob.id);
  const settings = `mutation { upsertSettings(input: { settings: [{ key: "max_concurrent_enrichments", value: 10 }, { key: "daily_spend_limit", value: 1000 }] }) { userErrors { message } } }`;
  await demand(server, settings);

  const begun = performance.now();
  const query = `mutation ($id: ID!) { enrichImportJob(input: { id: $id }) { importJob { id } userErrors { message } } }`;
  const byRules = (await demand(server, query, { id: list.importJob.id })).enrichImportJob.importJob.id;
  await ended(server, byRules);
  const took = performance.now() - begun;
  figures.tell(`${PEOPLE} prospects enriched by rules`, `${time(took)}, ${Math.round((1_000 * PEOPLE) / took)} prospects/s`);

  const all = Array.from({ length: 2 * ASKED }, (_, n) => `Prospect:${n + 1}`);
  const first = performance.now();
  await ended(server, await begin(server, all.slice(0, ASKED), '[LLM]'));
  figures.tell(`${ASKED} enriched by a model, concurrency 10`, time(performance.now() - first));
  const near = (one, other) => Math.abs(one - other) < 1e-8;
  const before = await shown(server);
  for (const [name, cost] of Object.entries(before).filter(([name]) => name !== 'calls')) {
    figures.must(near(cost, model.planted), `cost by ${name} is ${cost}, expected ${model.planted}`);
  }
  figures.tell('expected cost, and cost reported by usage log, records, jobs and days', `${model.planted.toFixed(8)} and ${before.ledger.toFixed(8)} US dollars`);

  const killed = await begin(server, all.slice(ASKED), '[LLM]');
  const seen = [];
  for (let kills = 0; kills < KILLS; kills += 1) {
    await sleep(150 + ((kills * 613) % 500));
    await server.kill('SIGKILL');
    server = await place.serve({ port: server.port, flags });
    seen.push((await job(server, killed)).processedRecords);
  }
  await ended(server, killed);
  const end = await job(server, killed);
  figures.must(end.enrichedRecords === ASKED && end.processedRecords === ASKED, JSON.stringify(end));
  const titles = `{ fieldProvenances(filter: { field: { eq: "job_title" }, outcome: { eq: APPLIED } }) { aggregate { count prospectId { distinct } } } }`;
  const { count, prospectId: { distinct } } = (await demand(server, titles)).fieldProvenances.aggregate;
  figures.must(count === 2 * ASKED && distinct === count, `${count} job titles applied to ${distinct} prospects`);
  const after = await shown(server);
  figures.must(near(after.ledger, after.jobs) && near(after.ledger, after.records) && near(after.ledger, after.days), JSON.stringify(after));
  figures.tell(`killed ${KILLS} times while enriching ${ASKED} prospects, at`, seen.join(', '));
  figures.tell('result', `${end.enrichedRecords} enriched, each once`);
  figures.tell('calls completed, and in the usage log', `${model.answered} and ${after.calls}`);
  figures.tell('expected and reported cost', `${model.planted.toFixed(8)} and ${after.ledger.toFixed(8)} US dollars`);
});

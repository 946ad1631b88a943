// Decisions on rows that may describe an existing prospect: one row at a time, beside the candidates.

const CANDIDATE = "id fullName email phone jobTitle linkedinUrl location company { name website }";
const DUPLICATES_QUERY = `query ($id: ID!, $after: String) { importJob(id: $id) {
  importRecords(first: 1, after: $after, filter: { verdict: { eq: MERGE_CANDIDATE }, promotionStatus: { eq: NONE }, decision: { isNull: true } }) {
    totalCount pageInfo { endCursor hasNextPage }
    nodes { id recordIndex lineNumber reason mappedData candidates candidateProspects { ${CANDIDATE} } } } } }`;
const EARLIER_QUERY = `query ($id: ID!, $indexes: [Int!]) { importJob(id: $id) {
  importRecords(filter: { recordIndex: { in: $indexes } }) { nodes { recordIndex lineNumber mappedData prospect { id } } } } }`;
const DECIDE = `mutation ($id: ID!, $decision: ImportDecision!, $prospect: ID) {
  decideImportRecord(input: { id: $id, decision: $decision, prospectId: $prospect }) { userErrors { message } } }`;

// The compared fields: label, field of a row, value of a prospect.
const COMPARED = [["Name", "full_name", (one) => one.fullName], ["E-mail", "email", (one) => one.email], ["Phone", "phone", (one) => one.phone],
  ["Job title", "job_title", (one) => one.jobTitle], ["LinkedIn profile", "linkedin_url", (one) => one.linkedinUrl],
  ["Location", "location", (one) => one.location], ["Company", "company", (one) => one.company?.name], ["Website", "website", (one) => one.company?.website]];

const place = (row) => (row.lineNumber ? `line ${row.lineNumber}` : `row ${row.recordIndex + 1}`);

// The candidates of a row, best first: prospects, and earlier rows of the file that are not written yet.
async function candidatesOf(job, row) {
  const prospects = row.candidateProspects.map((one) => ({
    key: one.id, title: one.fullName, subtitle: one.id, prospect: one.id, values: COMPARED.map(([, , value]) => value(one)) }));
  const indexes = (row.candidates ?? []).map((one) => one.recordIndex).filter((index) => index !== undefined && index !== null);
  if (!indexes.length) return prospects;
  const { nodes } = (await execute(EARLIER_QUERY, { id: job.id, indexes })).importJob.importRecords;
  const earlier = nodes.filter((one) => !one.prospect).map((one) => ({
    key: `row ${one.recordIndex}`, title: `Earlier row`, subtitle: place(one), prospect: null,
    // A merge without a prospect uses the best candidate.
    isBest: !prospects.length && one.recordIndex === indexes[0], values: COMPARED.map(([, field]) => one.mappedData?.[field]) }));
  return [...prospects, ...earlier];
}

function ImportDuplicates({ job, onClose }) {
  const { useEffect, useState } = React;
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(true);
  const [trouble, setTrouble] = useState("");
  async function load(after) {
    setBusy(true);
    setTrouble("");
    try {
      const { importRecords } = (await execute(DUPLICATES_QUERY, { id: job.id, after })).importJob;
      const row = importRecords.nodes[0];
      setFound({ total: importRecords.totalCount, row, page: importRecords.pageInfo, after, candidates: row ? await candidatesOf(job, row) : [] });
    } catch (error) {
      setTrouble(error.message);
    }
    setBusy(false);
  }
  useEffect(() => {
    load(null);
  }, []);
  async function decide(decision, prospect) {
    setBusy(true);
    setTrouble("");
    try {
      await execute(DECIDE, { id: found.row.id, decision, prospect });
      await load(found.after);
    } catch (error) {
      setTrouble(error.message);
      setBusy(false);
    }
  }
  const parts = [];
  if (trouble) parts.push(h("div", { key: "trouble", role: "alert" }, trouble));
  if (found?.row) {
    const { row, candidates, total, page } = found;
    const values = COMPARED.map(([, field]) => row.mappedData?.[field]);
    const title = (text, subtitle) => [h("div", { key: "title" }, text), h("small", { key: "subtitle" }, subtitle)];
    const heads = [h("td", { key: "field" }), h("th", { key: "row", scope: "col" }, title("This row", place(row))),
      ...candidates.map((one) => h("th", { key: one.key, scope: "col" }, title(one.title, one.subtitle)))];
    const lines = COMPARED.map(([label], index) => {
      const differs = (value) => (value && values[index] && value !== values[index] ? "salesgraph-differs" : undefined);
      return h("tr", { key: label }, h("th", { scope: "row" }, label), h("td", null, values[index] ?? ""),
        candidates.map((one) => h("td", { key: one.key, className: differs(one.values[index]) }, one.values[index] ?? "")));
    });
    const merge = (one) => (one.prospect || one.isBest ? button(`Merge into ${one.prospect ? one.title : "the earlier row"}`, () => decide("MERGE", one.prospect), busy) : "");
    const choices = h("tr", { key: "choices" }, h("td"), h("td", null, button("Create a prospect", () => decide("CREATE", null), busy), button("Skip the row", () => decide("SKIP", null), busy)),
      candidates.map((one) => h("td", { key: one.key }, merge(one))));
    parts.push(h("p", { key: "count" }, `${total} ${total === 1 ? "row needs" : "rows need"} a decision.`),
      row.reason && h("p", { key: "reason" }, `Reason: ${row.reason}.`),
      h("table", { key: "table" }, h("thead", null, h("tr", null, heads)), h("tbody", null, lines, choices)),
      h("p", { key: "rule" }, "A merge fills in empty fields of the prospect and overwrites nothing."));
    if (page.hasNextPage) parts.push(button("Decide later", () => load(page.endCursor), busy));
    if (found.after) parts.push(button("Back to the first row", () => load(null), busy));
  } else if (found) {
    parts.push(h("p", { key: "none", role: "status" }, found.after ? "No further rows need a decision." : "No rows need a decision."));
    if (found.after && found.total) parts.push(button("Back to the first row", () => load(null), busy));
  }
  return h(Dialog, { title: "Possible duplicates", onClose }, parts);
}

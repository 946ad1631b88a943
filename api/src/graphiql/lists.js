// The import panel: upload a file and preview it, then commit, enrich, monitor and undo the import.

const JOB = `fragment job on ImportJob { id kind name status note error enrichedRecords estimatedCost actualCost totalRecords processedRecords createdRecords updatedRecords
  duplicateRecords skippedRecords failedRecords pendingRecords undoneRecords undoSkippedRecords }`;
const VERDICTS = ["CREATE", "UPDATE", "MERGE_CANDIDATE", "SKIP", "ERROR"];
const RUNNING = ["UPLOADING", "PROCESSING", "PROMOTING", "UNDOING"];

// Available actions by job status.
const ACTS = {
  PENDING: [["commitImportJob", "Import"], ["cancelImportJob", "Cancel"]],
  PROCESSING: [["pauseImportJob", "Pause"], ["cancelImportJob", "Cancel"]],
  PAUSED: [["resumeImportJob", "Resume"], ["cancelImportJob", "Cancel"], ["undoImportJob", "Undo import"]],
  COMPLETED: [["undoImportJob", "Undo import"]],
  CANCELLED: [["undoImportJob", "Undo import"]],
};

// Available actions of an enrichment.
const ENRICHMENT_ACTS = {
  ...ACTS,
  PENDING: [["resumeImportJob", "Retry"], ["cancelImportJob", "Cancel"]],
  PAUSED: [["resumeImportJob", "Resume"], ["cancelImportJob", "Cancel"], ["undoImportJob", "Undo enrichment"]],
  COMPLETED: [["undoImportJob", "Undo enrichment"]],
  FAILED: [["retryImportJob", "Retry"]],
  CANCELLED: [["retryImportJob", "Resume"], ["undoImportJob", "Undo enrichment"]],
};

// The selectable enrichment providers; the first option is free of charge.
const ASKED = { "built-in rules": "[RULES]", "rules and lookup service": "[RULES, HTTP]",
  "rules and language model": "[RULES, LLM]", "all providers": "[RULES, HTTP, LLM]" };

// Runs an operation and returns its data; throws the first error message.
async function told(query, variables) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: "POST", headers: headers({ "content-type": "application/json" }), body });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  const refused = Object.values(data ?? {}).flatMap((payload) => payload?.userErrors ?? []);
  if (refused.length) throw new Error(refused[0].message);
  return data;
}

async function sent(file, country) {
  const form = new FormData();
  if (country) form.append("country", country);
  form.append("file", file);
  const answer = await fetch(new URL("imports", document.baseURI), { method: "POST", headers: headers({}), body: form });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.errors[0].message);
  return json;
}

function pairs(rows) {
  return h("table", null, h("tbody", null, rows.map(([name, value]) => h("tr", { key: name }, h("td", null, name), h("td", null, String(value))))));
}

function Lists() {
  const { useEffect, useState } = React;
  const [looked, setLooked] = useState(null);
  const [job, setJob] = useState(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [country, setCountry] = useState("");
  const [candidates, setCandidates] = useState("WAIT");
  const [enrichment, setEnrichment] = useState(null);
  const [asked, setAsked] = useState(Object.keys(ASKED)[0]);

  const follow = (one, set) => {
    const running = one && RUNNING.includes(one.status);
    useEffect(() => {
      if (!running) return undefined;
      const look = async () => {
        try {
          set((await told(`query ($id: ID!) { importJob(id: $id) { ...job } } ${JOB}`, { id: one.id })).importJob);
        } catch (error) {
          setTrouble(error.message);
        }
      };
      const timer = setInterval(look, 700);
      return () => clearInterval(timer);
    }, [running, one?.id]);
  };
  follow(job, setJob);
  follow(enrichment, setEnrichment);

  async function trying(work) {
    setTrouble("");
    setBusy(true);
    try {
      await work();
    } catch (error) {
      setTrouble(error.message);
    }
    setBusy(false);
  }
  const take = (file) =>
    file &&
    trying(async () => {
      setLooked(null);
      setJob(null);
      setEnrichment(null);
      const answer = await sent(file, country.trim());
      setLooked(answer);
      setJob((await told(`query ($id: ID!) { importJob(id: $id) { ...job } } ${JOB}`, { id: answer.importJob.id })).importJob);
    });
  const act = (what, one, set) =>
    trying(async () => {
      const more = what === "commitImportJob" ? `, candidates: ${candidates}` : "";
      const query = `mutation ($id: ID!) { ${what}(input: { id: $id${more} }) { importJob { ...job } userErrors { message } } } ${JOB}`;
      set((await told(query, { id: one.id }))[what].importJob);
    });
  const enrich = () =>
    trying(async () => {
      const query = `mutation ($id: ID!) { enrichImportJob(input: { id: $id, providers: ${ASKED[asked]} }) { importJob { ...job } userErrors { message } } } ${JOB}`;
      setEnrichment((await told(query, { id: job.id })).enrichImportJob.importJob);
    });
  const buttons = (acts, one, set) =>
    h("div", null, acts.map(([what, label]) => h("button", { key: what, type: "button", className: "graphiql-button", disabled: busy, onClick: () => act(what, one, set) }, label)));
  const drop = (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  };

  const choose = h("label", { className: "salesgraph-drop", onDragOver: (event) => event.preventDefault(), onDrop: drop },
    busy ? "…" : "Drop a CSV, XLSX or NDJSON file here, or choose one: ",
    h("input", { type: "file", "aria-label": "File", disabled: busy, onChange: (event) => take(event.target.files[0]) }));
  const where = h("label", null, "Default country for phone numbers ",
    h("input", { size: 3, placeholder: "DE", "aria-label": "Country", value: country, onChange: (event) => setCountry(event.target.value) }));
  const parts = [choose, where];
  if (trouble) parts.push(h("div", { role: "alert" }, trouble));
  if (looked) {
    const { file, mapping, verdicts } = looked;
    const left = file.columns.filter((column) => !Object.values(mapping).flat().includes(column));
    parts.push(h("h3", null, "Preview"), pairs(VERDICTS.map((verdict) => [verdict, verdicts[verdict]])));
    parts.push(h("h3", null, "Column mapping"), pairs([...Object.entries(mapping).map(([field, columns]) => [field, [columns].flat().join(", ")]), ["Ignored", left.join(", ") || "–"]]));
    parts.push(h("p", null, `${file.format}, encoding ${file.encoding}${file.delimiter ? `, delimiter ${JSON.stringify(file.delimiter)}` : ""}${file.sheet ? `, sheet ${file.sheet}` : ""}${file.otherSheets?.length ? `; ignored sheets: ${file.otherSheets.join(", ")}` : ""}.`));
  }
  if (job) {
    const { totalRecords: total, processedRecords: done } = job;
    parts.push(h("h3", null, `${job.name}: ${job.status}`), h("progress", { max: total, value: done, "aria-label": "Progress" }));
    parts.push(pairs([["Rows", total], ["Created", job.createdRecords], ["Updated", job.updatedRecords], ["Skipped", job.skippedRecords],
      ["Failed", job.failedRecords], ["Needs review", job.pendingRecords], ["Undone", job.undoneRecords], ["Skipped on undo (changed since)", job.undoSkippedRecords]]));
    if (job.error) parts.push(h("div", { role: "alert" }, job.error));
    if (job.note) parts.push(h("div", { role: "status" }, job.note));
    const options = ["WAIT", "CREATE", "MERGE", "SKIP"].map((word) => h("option", { key: word }, word));
    parts.push(h("label", null, "Match candidates: ",
      h("select", { "aria-label": "Candidates", value: candidates, onChange: (event) => setCandidates(event.target.value) }, options)));
    const acts = [...(ACTS[job.status] ?? [])];
    if (job.status === "COMPLETED" && job.pendingRecords) acts.unshift(["commitImportJob", "Import pending rows"]);
    parts.push(buttons(acts, job, setJob));
    if (job.status === "COMPLETED") {
      parts.push(h("label", null, "Enrich with ",
        h("select", { "aria-label": "Providers", value: asked, onChange: (event) => setAsked(event.target.value) }, Object.keys(ASKED).map((name) => h("option", { key: name }, name)))));
      parts.push(h("div", null, h("button", { type: "button", className: "graphiql-button", disabled: busy, onClick: enrich }, "Enrich")));
    }
  }
  if (enrichment) {
    const { totalRecords: total, processedRecords: done, actualCost, estimatedCost } = enrichment;
    parts.push(h("h3", null, `${enrichment.name}: ${enrichment.status}`), h("progress", { max: total, value: done, "aria-label": "Enriched" }));
    parts.push(pairs([["Prospects", total], ["Enriched", enrichment.enrichedRecords], ["Skipped", enrichment.skippedRecords], ["Failed", enrichment.failedRecords],
      ["Pending", enrichment.pendingRecords], ["Cost, USD", `${actualCost.toFixed(4)} (estimated: ${estimatedCost.toFixed(4)})`], ["Values undone", enrichment.undoneRecords]]));
    if (enrichment.error) parts.push(h("div", { role: "alert" }, enrichment.error));
    if (enrichment.note) parts.push(h("div", { role: "status" }, enrichment.note));
    parts.push(buttons(ENRICHMENT_ACTS[enrichment.status] ?? [], enrichment, setEnrichment));
  }
  return h("section", { className: "salesgraph-panel", "aria-label": "Import" }, h("h2", null, "Import"), ...parts);
}

// The import panel: uploads a file and previews it, corrects its mapping, decides on possible duplicates, and commits,
// enriches, monitors and undoes the import.

const JOB = `fragment job on ImportJob { id kind name status note error enrichedRecords estimatedCost actualCost totalRecords processedRecords createdRecords updatedRecords
  duplicateRecords skippedRecords failedRecords pendingRecords undoneRecords undoSkippedRecords options }`;
const JOB_QUERY = `query ($id: ID!) { importJob(id: $id) { ...job } } ${JOB}`;
const RECENT_QUERY = `{ importJobs(filter: { kind: { eq: IMPORT } }, first: 10, orderBy: [{ createdAt: DESC }]) { nodes { ...job } } } ${JOB}`;
const RUNNING = ["UPLOADING", "PROCESSING", "PROMOTING", "UNDOING"];

// Available actions by job status.
const ACTIONS = {
  PENDING: [["commitImportJob", "Import"], ["cancelImportJob", "Cancel"]],
  PROCESSING: [["pauseImportJob", "Pause"], ["cancelImportJob", "Cancel"]],
  PAUSED: [["resumeImportJob", "Resume"], ["cancelImportJob", "Cancel"], ["undoImportJob", "Undo import"]],
  COMPLETED: [["undoImportJob", "Undo import"]],
  CANCELLED: [["undoImportJob", "Undo import"]],
};

// Available actions of an enrichment.
const ENRICHMENT_ACTIONS = {
  ...ACTIONS,
  PENDING: [["resumeImportJob", "Retry"], ["cancelImportJob", "Cancel"]],
  PAUSED: [["resumeImportJob", "Resume"], ["cancelImportJob", "Cancel"], ["undoImportJob", "Undo enrichment"]],
  COMPLETED: [["undoImportJob", "Undo enrichment"]],
  FAILED: [["retryImportJob", "Retry"]],
  CANCELLED: [["retryImportJob", "Resume"], ["undoImportJob", "Undo enrichment"]],
};

// The selectable enrichment providers; the first option is free of charge.
const PROVIDERS = { "built-in rules": "[RULES]", "rules and lookup service": "[RULES, HTTP]",
  "rules and language model": "[RULES, LLM]", "all providers": "[RULES, HTTP, LLM]" };

// Runs an operation and returns its data; throws the first error message.
async function execute(query, variables) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: "POST", headers: headers({ "content-type": "application/json" }), body });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  const refused = Object.values(data ?? {}).flatMap((payload) => payload?.userErrors ?? []);
  if (refused.length) throw new Error(refused[0].message);
  return data;
}

// Uploads a file, with the fields of its columns that the user has chosen. With `inspect`, nothing is stored.
async function upload(file, country, map, inspect) {
  const form = new FormData();
  if (country) form.append("country", country);
  if (inspect) form.append("inspect", "true");
  for (const [column, field] of map) form.append("map", `${column}=${field}`);
  form.append("file", file);
  const answer = await fetch(new URL("imports", document.baseURI), { method: "POST", headers: headers({}), body: form });
  const json = await answer.json();
  if (answer.ok) return json;
  const { message, extensions } = json.errors[0];
  throw Object.assign(new Error(message), { reason: extensions?.reason });
}

// Downloads the failed rows of an import.
async function downloadFailedRows(job) {
  const answer = await fetch(new URL(`imports/${job.id}/failed.csv`, document.baseURI), { headers: headers({}) });
  if (!answer.ok) throw new Error((await answer.json()).errors[0].message);
  save(`${job.name.replace(/[^\p{L}\p{N} ._-]/gu, "_")}-failed.csv`, await answer.blob());
}

function pairs(rows) {
  return h("table", null, h("tbody", null, rows.map(([name, value]) => h("tr", { key: name }, h("td", null, name), h("td", null, String(value))))));
}

const button = (label, onClick, disabled) =>
  h("button", { key: label, type: "button", className: "graphiql-button", disabled, onClick }, label);

function Imports() {
  const { useEffect, useState } = React;
  const [file, setFile] = useState(null);
  const [map, setMap] = useState([]);
  const [replaced, setReplaced] = useState(null);
  const [preview, setPreview] = useState(null);
  const [job, setJob] = useState(null);
  const [recent, setRecent] = useState([]);
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [country, setCountry] = useState("");
  const [candidates, setCandidates] = useState("WAIT");
  const [enrichment, setEnrichment] = useState(null);
  const [providers, setProviders] = useState(Object.keys(PROVIDERS)[0]);

  const read = async (id) => (await execute(JOB_QUERY, { id })).importJob;
  // Another job may have been opened before the answer arrives.
  const update = (set) => (found) => set((now) => (now?.id === found?.id ? found : now));
  const follow = (one, set) => {
    const running = one && RUNNING.includes(one.status);
    useEffect(() => {
      if (!running) return undefined;
      const look = () => read(one.id).then(update(set), (error) => setTrouble(error.message));
      const timer = setInterval(look, 700);
      return () => clearInterval(timer);
    }, [running, one?.id]);
  };
  follow(job, setJob);
  follow(enrichment, setEnrichment);
  useEffect(() => {
    execute(RECENT_QUERY).then((data) => setRecent(data.importJobs.nodes), (error) => setTrouble(error.message));
  }, [job?.id, job?.status]);

  async function attempt(work) {
    setTrouble("");
    setBusy(true);
    try {
      await work();
    } catch (error) {
      setTrouble(error.message);
    }
    setBusy(false);
  }
  // Previews a file. The previous preview of the same file with another mapping is then deleted. Until there is a new
  // preview, no job is shown, so that the previous one can't be imported.
  const take = (chosen, fields = [], previous = null) =>
    chosen &&
    attempt(async () => {
      const place = country.trim();
      setFile(chosen);
      [setJob, setEnrichment].forEach((set) => set(null));
      setReplaced(previous);
      if (!previous) {
        setPreview(null);
        setMap([]);
      }
      let answer;
      let made;
      try {
        answer = await upload(chosen, place, fields);
        made = await read(answer.importJob.id);
      } catch (error) {
        // The columns were not recognized: the user assigns them.
        const inspected = error.reason === "MAPPING_INVALID" && (await upload(chosen, place, fields, true).catch(() => null));
        if (inspected) {
          setPreview(inspected);
          setMap(fields);
        } else setJob(previous);
        throw error;
      }
      setPreview(answer);
      setMap(fields);
      setJob(made);
      if (previous) await execute("mutation ($id: ID!) { deleteImportJob(input: { id: $id }) { userErrors { message } } }", { id: previous.id });
      setReplaced(null);
    });
  const act = (what, one, set) =>
    attempt(async () => {
      const more = what === "commitImportJob" ? `, candidates: ${candidates}` : "";
      const query = `mutation ($id: ID!) { ${what}(input: { id: $id${more} }) { importJob { ...job } userErrors { message } } } ${JOB}`;
      set((await execute(query, { id: one.id }))[what].importJob);
    });
  const enrich = () =>
    attempt(async () => {
      const query = `mutation ($id: ID!) { enrichImportJob(input: { id: $id, providers: ${PROVIDERS[providers]} }) { importJob { ...job } userErrors { message } } } ${JOB}`;
      setEnrichment((await execute(query, { id: job.id })).enrichImportJob.importJob);
    });
  const open = (one) => {
    [setPreview, setFile, setEnrichment, setReplaced].forEach((set) => set(null));
    setTrouble("");
    setJob(one);
  };
  const close = () => {
    setDialog("");
    if (job) read(job.id).then(update(setJob), (error) => setTrouble(error.message));
  };
  const buttons = (actions, one, set) =>
    h("div", null, actions.map(([what, label]) => button(label, () => act(what, one, set), busy)));
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
  if (preview) {
    const { file: read, importJob, verdicts } = preview;
    if (verdicts) parts.push(h("h3", null, "Preview"), pairs(Object.entries(VERDICTS).map(([verdict, label]) => [label, verdicts[verdict]])));
    parts.push(h("p", null, `${read.format}, encoding ${read.encoding}${read.delimiter ? `, delimiter ${JSON.stringify(read.delimiter)}` : ""}${read.sheet ? `, sheet ${read.sheet}` : ""}${read.otherSheets?.length ? `; ignored sheets: ${read.otherSheets.join(", ")}` : ""}.`));
    if (file && (!importJob || job?.status === "PENDING")) {
      const apply = (changed) => take(file, [...map, ...changed], job ?? replaced);
      parts.push(h(ImportMapping, { key: `${importJob?.id} ${map.length}`, preview, busy, onApply: apply }));
    }
  }
  if (job) {
    const { totalRecords: total, processedRecords: done } = job;
    parts.push(h("h3", null, `${job.name}: ${job.status}`), h("progress", { max: total, value: done, "aria-label": "Progress" }));
    parts.push(pairs([["Rows", total], ["Created", job.createdRecords], ["Updated", job.updatedRecords], ["Skipped", job.skippedRecords],
      ["Failed", job.failedRecords], ["Needs review", job.pendingRecords], ["Undone", job.undoneRecords], ["Skipped on undo (changed since)", job.undoSkippedRecords]]));
    if (job.error) parts.push(h("div", { role: "alert" }, job.error));
    if (job.note) parts.push(h("div", { role: "status" }, job.note));
    const views = [button("Rows", () => setDialog("rows"), busy), button("Possible duplicates", () => setDialog("duplicates"), busy)];
    if (job.failedRecords) views.push(button("Download failed rows", () => attempt(() => downloadFailedRows(job)), busy));
    parts.push(h("div", null, views));
    const options = ["WAIT", "CREATE", "MERGE", "SKIP"].map((word) => h("option", { key: word }, word));
    parts.push(h("label", null, "Possible duplicates without a decision: ",
      h("select", { "aria-label": "Candidates", value: candidates, onChange: (event) => setCandidates(event.target.value) }, options)));
    const actions = [...(ACTIONS[job.status] ?? [])];
    if (job.status === "COMPLETED" && job.pendingRecords) actions.unshift(["commitImportJob", "Import pending rows"]);
    parts.push(buttons(actions, job, setJob));
    if (job.status === "COMPLETED") {
      parts.push(h("label", null, "Enrich with ",
        h("select", { "aria-label": "Providers", value: providers, onChange: (event) => setProviders(event.target.value) }, Object.keys(PROVIDERS).map((name) => h("option", { key: name }, name)))));
      parts.push(h("div", null, button("Enrich", enrich, busy)));
    }
  }
  if (enrichment) {
    const { totalRecords: total, processedRecords: done, actualCost, estimatedCost } = enrichment;
    parts.push(h("h3", null, `${enrichment.name}: ${enrichment.status}`), h("progress", { max: total, value: done, "aria-label": "Enriched" }));
    parts.push(pairs([["Prospects", total], ["Enriched", enrichment.enrichedRecords], ["Skipped", enrichment.skippedRecords], ["Failed", enrichment.failedRecords],
      ["Pending", enrichment.pendingRecords], ["Cost, USD", `${actualCost.toFixed(4)} (estimated: ${estimatedCost.toFixed(4)})`], ["Values undone", enrichment.undoneRecords]]));
    if (enrichment.error) parts.push(h("div", { role: "alert" }, enrichment.error));
    if (enrichment.note) parts.push(h("div", { role: "status" }, enrichment.note));
    parts.push(buttons(ENRICHMENT_ACTIONS[enrichment.status] ?? [], enrichment, setEnrichment));
  }
  const others = recent.filter((one) => one.id !== job?.id);
  if (others.length) {
    parts.push(h("h3", null, "Recent imports"), h("ul", { "aria-label": "Recent imports" }, others.map((one) =>
      h("li", { key: one.id }, h("button", { type: "button", disabled: busy, onClick: () => open(one) }, `${one.name}: ${one.status}`)))));
  }
  if (dialog === "rows") parts.push(h(ImportRows, { job, onClose: close }));
  if (dialog === "duplicates") parts.push(h(ImportDuplicates, { job, onClose: close }));
  return h("section", { className: "salesgraph-panel", "aria-label": "Import" }, h("h2", null, "Import"), ...parts);
}

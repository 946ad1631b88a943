// The rows of an import: their outcomes.

const VERDICTS = { CREATE: "New prospects", UPDATE: "Fill in prospects", MERGE_CANDIDATE: "Possible duplicates", SKIP: "Nothing new", ERROR: "Invalid" };
const STATUSES = { CREATED: "created", MATCHED: "updated", REJECTED: "skipped", FAILED: "failed", UNDONE: "undone", UNDO_SKIPPED: "not undone" };
const FILTERS = { "All rows": null, ...Object.fromEntries(Object.entries(VERDICTS).map(([verdict, label]) => [label, { verdict: { eq: verdict } }])),
  Failed: { promotionStatus: { eq: "FAILED" } } };
const ROWS_QUERY = `query ($id: ID!, $filter: ImportRecordFilter, $after: String) { importJob(id: $id) {
  importRecords(first: 25, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage endCursor }
    nodes { id recordIndex lineNumber verdict promotionStatus reason lastError originalData mappedData prospect { id fullName } } } } }`;

// A modal dialog above the page.
function Dialog({ title, onClose, children }) {
  const dialog = React.useRef(null);
  React.useEffect(() => dialog.current?.showModal(), []);
  const close = h("button", { type: "button", className: "graphiql-button", onClick: () => dialog.current.close() }, "Close");
  return h("dialog", { ref: dialog, className: "salesgraph-dialog", "aria-label": title, onClose }, h("header", null, h("h2", null, title), close), children);
}

// The outcome of a row, expected or actual.
function outcome(row) {
  const status = STATUSES[row.promotionStatus];
  const outcomes = { CREATE: "will be created", UPDATE: "will be updated", MERGE_CANDIDATE: "needs a decision" };
  return status ?? outcomes[row.verdict] ?? row.promotionStatus;
}

function ImportRows({ job, onClose }) {
  const { useEffect, useState } = React;
  const [filter, setFilter] = useState("All rows");
  const [rows, setRows] = useState([]);
  const [page, setPage] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [loading, setLoading] = useState(true);
  const requests = React.useRef(0);
  async function load(after) {
    const request = ++requests.current;
    // Another filter may have been chosen before the answer arrives.
    const isLate = () => request !== requests.current;
    setLoading(true);
    setTrouble("");
    try {
      const { importRecords } = (await execute(ROWS_QUERY, { id: job.id, filter: FILTERS[filter], after })).importJob;
      if (isLate()) return;
      setRows((before) => (after ? [...before, ...importRecords.nodes] : importRecords.nodes));
      setPage({ ...importRecords.pageInfo, totalCount: importRecords.totalCount });
    } catch (error) {
      if (isLate()) return;
      setTrouble(error.message);
    }
    setLoading(false);
  }
  useEffect(() => {
    setRows([]);
    setPage(null);
    load(null);
  }, [filter]);
  const value = (row, field, ...columns) => row.mappedData?.[field] ?? columns.map((column) => row.originalData[column]).find(Boolean) ?? "";
  const lines = rows.map((row) => {
    const original = row.mappedData ? "" : Object.values(row.originalData).join(", ");
    const cells = [row.lineNumber ?? row.recordIndex + 1, value(row, "full_name") || original, value(row, "email"), value(row, "company"), outcome(row),
      [row.lastError ?? row.reason, row.prospect && `prospect ${row.prospect.fullName}`].filter(Boolean).join("; ")];
    return h("tr", { key: row.id }, cells.map((text, place) => h("td", { key: place }, text)));
  });
  const heads = ["Line", "Name", "E-mail", "Company", "Result", "Reason"].map((text) => h("th", { key: text, scope: "col" }, text));
  const select = h("label", null, "Show ", h("select", { "aria-label": "Rows", value: filter, onChange: (event) => setFilter(event.target.value) },
    Object.keys(FILTERS).map((name) => h("option", { key: name }, name))));
  return h(Dialog, { title: `Rows of ${job.name}`, onClose },
    select, page && h("p", null, `${rows.length} of ${page.totalCount} rows`), trouble && h("div", { role: "alert" }, trouble),
    h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, lines)),
    page?.hasNextPage && button("More rows", () => load(page.endCursor), loading));
}

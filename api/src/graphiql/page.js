// Starts GraphiQL on this server, with panels for examples, imports (imports.js) and the performance report of the last
// request, a CSV button, and a banner with the role and database of the caller.
const { createElement: h, useState, useSyncExternalStore } = React;
const { ToolbarButton, useEditorContext } = GraphiQL.React;
const url = new URL("graphql", document.baseURI).href;

// Queries are stored; headers are not, because they may contain an API key.
function withoutHeaders(text) {
  try {
    return JSON.stringify(JSON.parse(text, (name, value) => (name === "headers" ? undefined : value)));
  } catch {
    return text;
  }
}

const storage = {
  get length() {
    return localStorage.length;
  },
  getItem: (name) => localStorage.getItem(name),
  setItem: (name, text) =>
    name === "graphiql:headers" ? undefined : localStorage.setItem(name, withoutHeaders(text)),
  removeItem: (name) => localStorage.removeItem(name),
  clear: () => localStorage.clear(),
};

// State shared between components.
function shared(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      listeners.forEach((listener) => listener());
    },
    use: () =>
      useSyncExternalStore(
        (listener) => (listeners.add(listener), () => listeners.delete(listener)),
        () => value,
      ),
  };
}

// The API key of this tab, which survives a reload and is discarded when the tab is closed.
let key = sessionStorage.getItem("salesgraph:key") ?? "";
const viewer = shared(undefined);
const report = shared(undefined);

function headers(own) {
  const all = Object.entries(own).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...(key ? { authorization: `Bearer ${key}` } : {}), ...Object.fromEntries(all) };
}

// Requests the report with every operation and shows it in its own panel instead of in the response.
async function asked(input, init) {
  const answer = await fetch(input, { ...init, headers: headers({ ...init.headers, "salesgraph-report": "1" }) });
  const text = await answer.text();
  let body = text;
  try {
    const json = JSON.parse(text);
    const { report: told, ...others } = json.extensions ?? {};
    if (told && !JSON.parse(init.body).query.includes("__schema")) report.set(told);
    if (told) {
      json.extensions = Object.keys(others).length ? others : undefined;
      body = JSON.stringify(json);
    }
  } catch {
    // A response that is not JSON is shown unchanged.
  }
  return new Response(body, { status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "" } });
}

function icon(path) {
  return () =>
    h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5 }, h("path", { d: path }));
}

function examplesPlugin(examples) {
  function Examples() {
    const { addTab, queryEditor, variableEditor } = useEditorContext({ nonNull: true });
    function open(query) {
      addTab();
      // The editor switches to the new tab asynchronously.
      setTimeout(() => {
        queryEditor.setValue(query);
        variableEditor?.setValue("");
      }, 100);
    }
    const items = examples.map(({ title, query }) =>
      h("li", { key: title }, h("button", { type: "button", onClick: () => open(query) }, title)),
    );
    return h("section", { className: "salesgraph-panel", "aria-label": "Examples" }, h("h2", null, "Examples"), h("ul", null, items));
  }
  return { title: "Examples", icon: icon("M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0"), content: Examples };
}

function Report() {
  const told = report.use();
  if (!told) return h("section", { className: "salesgraph-panel" }, h("h2", null, "Query performance"), "Run a query to see its performance report.");
  const rows = [
    ["Elapsed time, ms", told.wallMilliseconds],
    ["SQL time (sum), ms", told.statementMilliseconds],
    ["SQL statements", told.statements],
    ["Rows", told.rows],
    ["Query cost", `${told.cost.requested} of ${told.cost.limit}`],
    ["Document cache", told.cache.document === "hit" ? "hit" : "miss"],
    ["Role", told.role],
  ];
  const sql = (told.sql ?? []).flatMap((one, place) => [
    h("h3", { key: `h${place}` }, `${one.rows} rows, ${one.milliseconds} ms`),
    h("pre", { key: `p${place}` }, one.text),
  ]);
  const table = h("table", null, h("tbody", null, rows.map(([name, value]) => h("tr", { key: name }, h("td", null, name), h("td", null, String(value))))));
  return h("section", { className: "salesgraph-panel", "aria-label": "Query performance" }, h("h2", null, "Query performance"), table, sql);
}

const reportPlugin = { title: "Query performance", icon: icon("M4 20V10M10 20V4M16 20v-7M22 20H2"), content: Report };

const importsPlugin = { title: "Import", icon: icon("M12 16V4M7 9l5-5l5 5M4 16v4h16v-4"), content: Imports };

// Downloads a CSV file. The byte order mark makes spreadsheets read it as UTF-8.
function save(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", content], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// The type of the current operation.
function operationType(editor) {
  const operations = editor?.operations ?? [];
  const named = operations.find((operation) => operation.name?.value === editor.operationName);
  return (named ?? operations[0])?.operation ?? "query";
}

// Downloads the result of the current query as CSV. Other operations can't be exported.
function CsvButton() {
  const { queryEditor, variableEditor, headerEditor } = useEditorContext({ nonNull: true });
  const [trouble, setTrouble] = useState("");
  async function download() {
    setTrouble("");
    const type = operationType(queryEditor);
    if (type !== "query") return setTrouble(`A ${type} can't be downloaded as CSV; use a query.`);
    const parsed = (text) => (text?.trim() ? JSON.parse(text) : {});
    try {
      const own = parsed(headerEditor?.getValue());
      const query = queryEditor.getValue();
      const operationName = queryEditor.operationName ?? undefined;
      const body = JSON.stringify({ query, operationName, variables: parsed(variableEditor?.getValue()) });
      // The server exports a single list in full. Other results are converted here: one file for each table.
      const answer = await fetch(url, { method: "POST", headers: headers({ ...own, accept: "text/csv, application/json;q=0.5", "content-type": "application/json" }), body });
      if (answer.headers.get("content-type")?.startsWith("text/csv")) {
        const name = /filename="([^"]*)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "table.csv";
        save(name, await answer.blob());
        return;
      }
      const { data, errors } = await answer.json();
      if (!data) throw new Error(errors[0].message);
      const tables = csvTables(data);
      if (!tables.length) throw new Error("The result has no rows.");
      for (const table of tables) save(table.name, table.text);
      if (errors) setTrouble(errors[0].message);
    } catch (error) {
      setTrouble(error.message);
    }
  }
  return h(
    React.Fragment,
    null,
    h(ToolbarButton, { label: "Download as CSV", onClick: download }, h("span", { className: "graphiql-toolbar-icon", "aria-hidden": true, style: { fontSize: 11, fontWeight: 700 } }, "CSV")),
    trouble && h("button", { role: "alert", type: "button", className: "salesgraph-trouble", title: "Close", onClick: () => setTrouble("") }, trouble),
  );
}

// Sends a request that begins, replaces or ends a session, and loads the page again.
async function changeSession(path, body) {
  await fetch(new URL(path, document.baseURI), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  location.reload();
}

// Shows the user and the organization of a session.
function SessionForm({ who }) {
  const choose = (event) => changeSession("sign-in/organization", { slug: event.target.value });
  const options = who.organizations.map(({ slug, name }) => h("option", { key: slug, value: slug }, name));
  const current = who.organizations.find(({ isCurrent }) => isCurrent);
  const select = options.length > 1 && h("select", { "aria-label": "Organization", value: current?.slug, onChange: choose }, options);
  const end = (event) => (event.preventDefault(), changeSession("sign-out", {}));
  return h("form", { onSubmit: end }, select, h("button", { type: "submit" }, "Sign out"));
}

// Shows the caller and the database, and prompts for a credential if one is required.
function Banner() {
  const who = viewer.use();
  if (who === undefined) return "…";
  const enter = (event) => {
    event.preventDefault();
    key = new FormData(event.target).get("key").trim();
    sessionStorage.setItem("salesgraph:key", key);
    look();
  };
  const form = h("form", { onSubmit: enter }, h("input", { name: "key", type: "password", placeholder: "API key", "aria-label": "API key", autoComplete: "off" }), h("button", { type: "submit" }, "Use key"));
  const link = h("a", { key: "s", href: "sign-in" }, "Sign in");
  if (!who) return [h("b", { key: "n" }, "salesgraph"), h("span", { key: "t" }, key ? "The API key is invalid." : "This server requires an account or an API key."), link, h(React.Fragment, { key: "f" }, form)];
  return [
    h("b", { key: "n" }, who.organization.name),
    h("span", { key: "d" }, `${who.engine} database`),
    h("span", { key: "r" }, `role ${who.role}${who.actorName ? `, actor ${who.actorName}` : ""}`),
    who.sessions.some(({ isCurrent }) => isCurrent) && h(SessionForm, { key: "o", who }),
  ];
}

async function look() {
  const query = "{ viewer { role actorName engine organization { name } organizations { name slug isCurrent } sessions { isCurrent } } }";
  try {
    const answer = await fetch(url, { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify({ query }) });
    // null: there is no key and no session; false: the key is invalid.
    viewer.set((await answer.json()).data?.viewer ?? (key ? false : null));
  } catch {
    viewer.set(null);
  }
}

async function start() {
  const answer = await fetch(new URL("graphiql/examples.json", document.baseURI));
  const examples = await answer.json();
  ReactDOM.createRoot(document.getElementById("banner")).render(h(Banner));
  look();
  const toolbar = ({ prettify, copy, merge }) => h(React.Fragment, null, prettify, merge, copy, h(CsvButton));
  const fetcher = GraphiQL.createFetcher({
    url,
    fetch: asked,
    subscriptionUrl: url.replace(/^http/, "ws"),
    // The getter is evaluated whenever a WebSocket is opened.
    wsConnectionParams: {
      get authorization() {
        return key ? `Bearer ${key}` : undefined;
      },
    },
  });
  function Page() {
    const who = viewer.use();
    if (who === undefined) return null;
    // React remounts the editor when this key changes.
    return h(
      GraphiQL,
      {
        key: who ? `${who.organization.name} ${who.role} ${who.actorName}` : "",
        fetcher,
        storage,
        defaultEditorToolsVisibility: true,
        defaultTabs: [{ query: examples[0].query }],
        plugins: [examplesPlugin(examples), GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false }), reportPlugin, importsPlugin],
      },
      h(GraphiQL.Toolbar, null, toolbar),
    );
  }
  ReactDOM.createRoot(document.getElementById("graphiql")).render(h(Page));
}

start();

// Starts GraphiQL on this server, with panels for example questions, for lists of people (lists.js) and for what a
// request took, a button for CSV, and a banner that says who asks which database.
const { createElement: h, useState, useSyncExternalStore } = React;
const { ToolbarButton, useEditorContext } = GraphiQL.React;
const url = new URL("graphql", document.baseURI).href;

// Queries are remembered; headers are not, because a key may stand in them.
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

// Something that is shown in several places.
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

// The key, for this tab: also when the page is loaded again, and gone with the tab.
let key = sessionStorage.getItem("salesgraph:key") ?? "";
const viewer = shared(undefined);
const report = shared(undefined);

function headers(own) {
  const all = Object.entries(own).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...(key ? { authorization: `Bearer ${key}` } : {}), ...Object.fromEntries(all) };
}

// Asks for the report with every request, and shows it in its own panel instead of among the answer.
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
    // What is no JSON is shown as it came.
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
      // The editor takes over the new tab a moment later.
      setTimeout(() => {
        queryEditor.setValue(query);
        variableEditor?.setValue("");
      }, 100);
    }
    const items = examples.map(({ title, query }) =>
      h("li", { key: title }, h("button", { type: "button", onClick: () => open(query) }, title)),
    );
    return h("section", { className: "salesgraph-panel", "aria-label": "Questions" }, h("h2", null, "Questions"), h("ul", null, items));
  }
  return { title: "Questions", icon: icon("M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0"), content: Examples };
}

function Report() {
  const told = report.use();
  if (!told) return h("section", { className: "salesgraph-panel" }, h("h2", null, "Report"), "Run a query: what it took is shown here.");
  const rows = [
    ["Wall time, ms", told.wallMilliseconds],
    ["Statements, summed, ms", told.statementMilliseconds],
    ["Statements", told.statements],
    ["Rows", told.rows],
    ["Cost", `${told.cost.requested} of ${told.cost.limit}`],
    ["Document", told.cache.document === "hit" ? "known" : "read and checked"],
    ["Role", told.role],
  ];
  const sql = (told.sql ?? []).flatMap((one, place) => [
    h("h3", { key: `h${place}` }, `${one.rows} rows, ${one.milliseconds} ms`),
    h("pre", { key: `p${place}` }, one.text),
  ]);
  const table = h("table", null, h("tbody", null, rows.map(([name, value]) => h("tr", { key: name }, h("td", null, name), h("td", null, String(value))))));
  return h("section", { className: "salesgraph-panel", "aria-label": "Report" }, h("h2", null, "Report"), table, sql);
}

const reportPlugin = { title: "Report", icon: icon("M4 20V10M10 20V4M16 20v-7M22 20H2"), content: Report };

const listsPlugin = { title: "Lists", icon: icon("M12 16V4M7 9l5-5l5 5M4 16v4h16v-4"), content: Lists };

// Downloads the same operation as a table.
function CsvButton() {
  const { queryEditor, variableEditor, headerEditor } = useEditorContext({ nonNull: true });
  const [trouble, setTrouble] = useState("");
  async function download() {
    setTrouble("");
    const parsed = (text) => (text?.trim() ? JSON.parse(text) : {});
    try {
      const own = parsed(headerEditor?.getValue());
      const query = queryEditor.getValue();
      const operationName = queryEditor.operationName ?? undefined;
      const body = JSON.stringify({ query, operationName, variables: parsed(variableEditor?.getValue()) });
      const answer = await fetch(url, { method: "POST", headers: headers({ ...own, accept: "text/csv", "content-type": "application/json" }), body });
      if (!answer.ok) throw new Error((await answer.json()).errors[0].message);
      const name = /filename="([^"]*)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "table.csv";
      // The mark before the text lets spreadsheets take it for UTF-8.
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff", await answer.blob()], { type: "text/csv" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      setTrouble(error.message);
    }
  }
  return h(
    React.Fragment,
    null,
    h(ToolbarButton, { label: "Download as CSV", onClick: download }, h("span", { className: "graphiql-toolbar-icon", "aria-hidden": true, style: { fontSize: 11, fontWeight: 700 } }, "CSV")),
    trouble && h("div", { role: "alert", className: "salesgraph-told" }, trouble),
  );
}

// Who asks which database, and the key when one is needed.
function Banner() {
  const who = viewer.use();
  if (who === undefined) return "…";
  const enter = (event) => {
    event.preventDefault();
    key = new FormData(event.target).get("key").trim();
    sessionStorage.setItem("salesgraph:key", key);
    look();
  };
  const form = h("form", { onSubmit: enter }, h("input", { name: "key", type: "password", placeholder: "key", "aria-label": "Key", autoComplete: "off" }), h("button", { type: "submit" }, "Use this key"));
  if (!who) return [h("b", { key: "n" }, "salesgraph"), h("span", { key: "t" }, key ? "This key is not accepted." : "This server asks for a key."), h(React.Fragment, { key: "f" }, form)];
  return [
    h("b", { key: "n" }, who.organization.name),
    h("span", { key: "d" }, `${who.engine} database`),
    h("span", { key: "r" }, `you are ${who.role}${who.actorName ? ` as ${who.actorName}` : ""}`),
  ];
}

async function look() {
  const query = "{ viewer { role actorName engine organization { name } } }";
  try {
    const answer = await fetch(url, { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify({ query }) });
    // Nobody without a key is null, with a wrong one false.
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
    // It is copied when a socket is opened: so the key is read then.
    wsConnectionParams: {
      get authorization() {
        return key ? `Bearer ${key}` : undefined;
      },
    },
  });
  function Page() {
    const who = viewer.use();
    if (who === undefined) return null;
    // Another visitor begins anew.
    return h(
      GraphiQL,
      {
        key: who ? `${who.organization.name} ${who.role} ${who.actorName}` : "",
        fetcher,
        storage,
        defaultEditorToolsVisibility: true,
        defaultTabs: [{ query: examples[0].query }],
        plugins: [examplesPlugin(examples), GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false }), reportPlugin, listsPlugin],
      },
      h(GraphiQL.Toolbar, null, toolbar),
    );
  }
  ReactDOM.createRoot(document.getElementById("graphiql")).render(h(Page));
}

start();

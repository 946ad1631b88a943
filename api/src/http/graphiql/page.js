// Starts GraphiQL on this server, with the example operations as tabs.
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

async function start() {
  const answer = await fetch(new URL("graphiql/examples.json", document.baseURI));
  const examples = await answer.json();
  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url, subscriptionUrl: url.replace(/^http/, "ws") }),
      storage,
      defaultEditorToolsVisibility: true,
      defaultTabs: examples.map((query) => ({ query })),
    }),
  );
}

start();

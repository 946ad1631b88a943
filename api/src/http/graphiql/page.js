// Starts GraphiQL on this server, with the example operations as tabs.
const url = new URL("graphql", document.baseURI).href;

async function start() {
  const answer = await fetch(new URL("graphiql/examples.json", document.baseURI));
  const examples = await answer.json();
  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url, subscriptionUrl: url.replace(/^http/, "ws") }),
      defaultEditorToolsVisibility: true,
      defaultTabs: examples.map((query) => ({ query })),
    }),
  );
}

start();

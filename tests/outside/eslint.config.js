// graphql-eslint over schema.graphql and the operations of README.md: its recommended rules, and those for
// Relay. A rule that is off contradicts a decision, which stands beside it.

import graphql from "@graphql-eslint/eslint-plugin";

const { configs, parser, rules } = graphql;
const languageOptions = {
  parser,
  parserOptions: { graphQLConfig: { schema: "schema.graphql", documents: "readme/*.graphql" } },
};
const plugins = { "@graphql-eslint": { rules } };

export default [
  {
    files: ["schema.graphql"],
    languageOptions,
    plugins,
    rules: {
      ...configs["flat/schema-recommended"].rules,
      ...configs["flat/schema-relay"].rules,
      // The printer of the schema decides: one line in quotes, more lines in a block.
      "@graphql-eslint/description-style": "off",
      // Lists have `nodes` beside `edges`, and payloads have lists of errors: not every list is one of edges.
      "@graphql-eslint/relay-edge-types": ["error", {
        listTypeCanWrapOnlyEdgeType: false,
        // An entry of a timeline tells of an interaction, a draft, … and is none of them.
        shouldImplementNode: false,
      }],
      // A timeline goes back in time only.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      // The names of the columns are those of the sales-assistant document, which has `event_date` in `events`.
      "@graphql-eslint/no-typename-prefix": "off",
      // Only rows have an id: not a page, an event of a subscription, the outcome of a mutation, what rows come to, a
      // report, or who asks.
      "@graphql-eslint/strict-id-in-types": ["error", {
        exceptions: {
          suffixes: [
            "Aggregate",
            "Connection",
            "Edge",
            "Event",
            "Group",
            "GroupKey",
            "Groups",
            "Payload",
          ],
          types: [
            "CompanyEngagement",
            "DatabaseStatistics",
            "DraftFunnel",
            "FieldChange",
            "IndustryPerformance",
            "DailyUsage",
            "EnrichmentSuccess",
            "ImportCost",
            "LlmCost",
            "LlmCostReport",
            "NextBestAction",
            "PageInfo",
            "SearchCount",
            "SearchHighlight",
            "SearchPart",
            "TableStatistics",
            "TimelineEntry",
            "UserError",
            "Viewer",
            "ViewerOrganization",
          ],
        },
      }],
    },
  },
  {
    files: ["readme/*.graphql"],
    languageOptions,
    plugins,
    rules: {
      ...configs["flat/operations-recommended"].rules,
      // First queries are to be read by people: an id in every object would hide what they ask.
      "@graphql-eslint/require-selections": "off",
    },
  },
];

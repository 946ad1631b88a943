// Configuration of graphql-eslint for schema.graphql and the operations in README.md: the recommended rules and the
// Relay rules. A comment next to each disabled rule gives the design decision that it contradicts.

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
      // The schema printer determines the style: quotes for a single line, a block string for multiple lines.
      "@graphql-eslint/description-style": "off",
      // Not every list contains edges: connections have `nodes` as well as `edges`, and payloads have error lists.
      "@graphql-eslint/relay-edge-types": ["error", {
        listTypeCanWrapOnlyEdgeType: false,
        // A timeline entry describes an interaction, a draft, …, but is not itself a node.
        shouldImplementNode: false,
      }],
      // Timelines are paginated only in one direction, backward in time.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      // Column names follow the sales-assistant document, which has `event_date` in `events`.
      "@graphql-eslint/no-typename-prefix": "off",
      // Only rows have an ID. Connections, subscription events, mutation payloads, aggregates, reports and the viewer
      // do not.
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
            "ApiKey",
            "CompanyEngagement",
            "DatabaseStatistics",
            "DraftFunnel",
            "FieldChange",
            "IndustryPerformance",
            "DailyUsage",
            "EnrichmentSuccess",
            "ImportCost",
            "ImportNote",
            "LlmCost",
            "LlmCostReport",
            "MergeResult",
            "OwnOrganization",
            "UserProfile",
            "ViewerPreferences",
            "UserSession",
            "MergedField",
            "MovedRows",
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
            "WorkListItem",
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
      // The example queries should be easy to read; an ID in every object would distract from their purpose.
      "@graphql-eslint/require-selections": "off",
    },
  },
];

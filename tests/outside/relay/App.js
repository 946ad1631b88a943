// Documents of a Relay application: pagination, refetching by ID, a subscription, and a mutation that adds its row to a
// list. Only the Relay compiler reads this file; it is never executed.
import { graphql } from "relay-runtime";

export const people = graphql`
  query AppPeopleQuery($count: Int!, $cursor: String, $filter: ProspectFilter) {
    ...App_people @arguments(count: $count, cursor: $cursor, filter: $filter)
  }
`;

export const list = graphql`
  fragment App_people on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 10 }
    cursor: { type: "String" }
    filter: { type: "ProspectFilter" }
  )
  @refetchable(queryName: "AppPeoplePaginationQuery") {
    prospects(first: $count, after: $cursor, filter: $filter, orderBy: [{ fullName: ASC }])
      @connection(key: "App_prospects", filters: ["filter"]) {
      totalCount
      edges { node { id ...App_person } }
    }
  }
`;

export const person = graphql`
  fragment App_person on Prospect @refetchable(queryName: "AppPersonRefetchQuery") {
    id
    fullName
    lastContactedAt
    company { ...App_company }
  }
`;

export const company = graphql`
  fragment App_company on Company
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" })
  @refetchable(queryName: "AppCompanyPaginationQuery") {
    name
    industry { name }
    prospects(first: $count, after: $cursor) @connection(key: "App_company_prospects") {
      edges { node { id fullName } }
    }
  }
`;

export const back = graphql`
  fragment App_history on Prospect
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, before: { type: "String" })
  @refetchable(queryName: "AppHistoryPaginationQuery") {
    interactions(last: $count, before: $before) @connection(key: "App_interactions") {
      edges { node { id subject } }
    }
  }
`;

export const node = graphql`
  query AppNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...App_person @alias(as: "person")
      ...App_history @alias(as: "history")
      ...App_company @alias(as: "company")
    }
  }
`;

export const write = graphql`
  mutation AppWriteMutation($input: CreateOutreachDraftInput!, $connections: [ID!]!) {
    createOutreachDraft(input: $input) {
      outreachDraft
        @prependNode(connections: $connections, edgeTypeName: "OutreachDraftEdge") {
        id
        content
        status
      }
      userErrors { code field message }
    }
  }
`;

export const drafts = graphql`
  subscription AppDraftsSubscription($after: String) {
    outreachDraftCreated(after: $after) { cursor draft { id content prospect { ...App_person } } }
  }
`;

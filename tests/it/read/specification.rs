//! Documents are validated, normalized and read as the GraphQL specification says (September 2025).

use api::{execute::SchemaExecutor, text};
use async_graphql::{Executor, Request};
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    a_mutation_selected_twice_is_executed_once,
    a_list_selected_twice_is_read_once,
    rejects_conflicting_selections,
    rejects_invalid_selections_of_typename,
    rejects_variables_of_another_type_than_their_position,
    rejects_invalid_literals,
    an_absent_optional_variable_gets_the_default_of_its_argument,
    strings_are_read_with_their_escapes,
    descriptions_of_executable_definitions_are_accepted,
    keys_come_in_the_order_of_their_first_appearance,
    fields_of_a_node_are_merged_for_each_type,
];

async fn a_mutation_selected_twice_is_executed_once(app: App) {
    app.world().await;
    let input = "input: { prospectId: 1, draftType: \"initial\", content: \"Once\" }";
    let data = app
        .data(&format!(
            "mutation {{ createOutreachDraft({input}) {{ userErrors {{ code }} }} ...A ...B }} \
             fragment A on Mutation {{ createOutreachDraft({input}) {{ outreachDraft {{ content }} }} }} \
             fragment B on Mutation {{ createOutreachDraft({input}) {{ outreachDraft {{ status }} }} }}"
        ))
        .await;
    assert_eq!(
        data["createOutreachDraft"],
        json!({ "userErrors": [], "outreachDraft": { "content": "Once", "status": "DRAFT" } })
    );
    let drafts =
        app.data("{ outreachDrafts(filter: { content: { eq: \"Once\" } }) { totalCount } }");
    assert_eq!(drafts.await["outreachDrafts"]["totalCount"], 1);
}

async fn a_list_selected_twice_is_read_once(app: App) {
    app.world().await;
    let query = "{ prospects(first: 2) { nodes { id } } prospects(first: 2) { nodes { email } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(data, app.data("{ prospects(first: 2) { nodes { id email } } }").await);
    assert_eq!(statements, 1);
}

/// Every document is rejected before it runs.
async fn rejects(app: &App, documents: &[&str]) {
    for document in documents {
        let before = app.store.statements();
        let answer = app.answer(document).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{document}: {answer}");
        assert_eq!(answer["data"], json!(null), "{document}: {answer}");
        assert_eq!(app.store.statements(), before, "{document}");
    }
}

async fn rejects_conflicting_selections(app: App) {
    rejects(
        &app,
        &[
            "{ prospects(first: 1) { nodes { x: id } } prospects(first: 1) { nodes { x: fullName } } }",
            "{ prospect(id: 1) { x: id } prospect(id: 1) { x: fullName } }",
            "{ a: schemaVersion ...F } fragment F on Query { a: __typename }",
            "{ prospects(first: 1) { totalCount } ...F } fragment F on Query { prospects(first: 2) { totalCount } }",
            "{ node(id: 1) { ... on Prospect { x: revision } ... on Company { x: name } } }",
        ],
    )
    .await;
}

async fn rejects_invalid_selections_of_typename(app: App) {
    rejects(
        &app,
        &[
            "{ __typename @nope }",
            "{ __typename @include }",
            "{ __typename @include(iff: true) }",
            "{ __typename @include(if: \"true\") }",
            "{ __typename(a: 1) }",
            "{ __typename { a } }",
        ],
    )
    .await;
    let data = app.data("query ($i: Boolean! = true) { __typename @include(if: $i) }").await;
    assert_eq!(data, json!({ "__typename": "Query" }));
}

async fn rejects_variables_of_another_type_than_their_position(app: App) {
    rejects(
        &app,
        &[
            "query ($a: String) { prospects(first: $a) { totalCount } }",
            "query ($a: [Int]) { prospects(filter: { revision: { in: $a } }) { totalCount } }",
            "query ($i: Boolean) { __typename @include(if: $i) }",
            "query ($a: Int @nope) { prospects(first: $a) { totalCount } }",
            "query ($a: CompanyFilter) { prospects(filter: $a) { totalCount } }",
        ],
    )
    .await;
}

async fn rejects_invalid_literals(app: App) {
    rejects(
        &app,
        &[
            "{ prospects(filter: 1) { totalCount } }",
            "{ prospects(filter: [[{}]]) { totalCount } }",
            "{ prospects(filter: { revision: { eq: 2147483648 } }) { totalCount } }",
            "{ prospects(filter: { revision: { eq: 1, eq: 1 } }) { totalCount } }",
            "query ($f: ProspectFilter = { and: [{ revision: { eq: 1, eq: 1 } }] }) { prospects(filter: $f) { totalCount } }",
            "{ prospects(filter: { lifecycleStage: { eq: \"NEW\" } }) { totalCount } }",
            "mutation { a: createOutreachDraft(input: { prospectId: 1, draftType: \"x\", content: \"x\" }) \
             { userErrors { code } } b: createOutreachDraft(input: []) { userErrors { code } } }",
        ],
    )
    .await;
    let zero = app.data("{ prospects(filter: { revision: { eq: -0 } }) { totalCount } }").await;
    assert_eq!(zero["prospects"]["totalCount"], 0);
}

async fn an_absent_optional_variable_gets_the_default_of_its_argument(app: App) {
    let report = app.data("query ($d: Int) { importCostReport(days: $d) { date } }").await;
    assert!(report["importCostReport"].is_array(), "{report}");
    let query = "query ($i: Boolean) { __type(name: \"Query\") { fields(includeDeprecated: $i) { name } } }";
    let fields = app.data(query).await;
    assert!(fields["__type"]["fields"].as_array().is_some_and(|fields| !fields.is_empty()));
}

async fn strings_are_read_with_their_escapes(app: App) {
    app.world().await;
    for (literal, text) in [
        ("\"\"\"a \\\"\"\" b\"\"\"", "a \"\"\" b"),
        ("\"\"\"\n    a\n  \n    b\"\"\"", "a\n\nb"),
        ("\"\\u{1F600}\"", "\u{1F600}"),
        ("\"\\uD83D\\uDE00\"", "\u{1F600}"),
        ("\"\\u00e4\\n\"", "ä\n"),
    ] {
        let draft = app
            .data(&format!(
                "mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: \"x\", content: {literal} }}) \
                 {{ outreachDraft {{ content }} }} }}"
            ))
            .await;
        assert_eq!(draft["createOutreachDraft"]["outreachDraft"]["content"], text, "{literal}");
    }
}

async fn descriptions_of_executable_definitions_are_accepted(app: App) {
    let document = "\"The type.\" query (\"A flag.\" $i: Boolean! = true) { ...F @include(if: $i) } \
                    \"\"\"A part.\"\"\" fragment F on Query { __typename }";
    assert_eq!(app.data(document).await, json!({ "__typename": "Query" }));
    for document in ["query Q() { __typename }", "{ ...on } fragment on on Query { __typename }"] {
        let error = app.error(document).await;
        assert!(error.starts_with("GRAPHQL_PARSE_FAILED: "), "{document}: {error}");
    }
}

async fn keys_come_in_the_order_of_their_first_appearance(app: App) {
    app.world().await;
    let query = "{ z: __typename prospect(id: 1) { fullName ...P id } a: __typename prospect(id: 1) { email } } \
                 fragment P on Prospect { revision company { name } fullName company { id } }";
    let request = Request::new(query).data(app.scope(app.organization));
    let text = text::response(&SchemaExecutor::new().execute(request).await);
    let keys =
        ["z", "prospect", "fullName", "revision", "company", "name", "id", "id", "email", "a"];
    let mut rest = text.as_str();
    for key in keys {
        let found = rest.split_once(&format!("\"{key}\":"));
        rest = found.unwrap_or_else(|| panic!("{key} is not in its place: {text}")).1;
    }
}

async fn fields_of_a_node_are_merged_for_each_type(app: App) {
    app.world().await;
    let query = "{ nodes(ids: [\"Prospect:1\", \"Company:2\", \"Industry:1\"]) { ...N id ... on Prospect { company { id } } } } \
                 fragment N on Node { ... on Prospect { company { name } id } ... on Company { name } }";
    assert_eq!(
        app.data(query).await["nodes"],
        json!([
            { "company": { "name": "Acme", "id": "Company:1" }, "id": "Prospect:1" },
            { "name": "bank & Sons", "id": "Company:2" },
            { "id": "Industry:1" }])
    );
    let skipped = "{ prospect(id: 1) { company { name @skip(if: true) } } }";
    assert_eq!(app.data(skipped).await, json!({ "prospect": { "company": {} } }));
}

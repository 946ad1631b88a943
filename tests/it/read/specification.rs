//! Validation, normalization and execution of documents according to the GraphQL specification (September 2025).

use api::product_server::executor;
use async_graphql::{Executor, Request};
use graph::json_text;
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    mutation_selected_twice_is_executed_once,
    list_selected_twice_is_read_once,
    rejects_conflicting_selections,
    rejects_invalid_selections_of_typename,
    rejects_variables_that_do_not_match_their_position,
    rejects_invalid_literals,
    omitted_optional_variable_uses_the_argument_default,
    string_escapes_are_decoded,
    descriptions_of_executable_definitions_are_accepted,
    response_keys_are_ordered_by_first_occurrence,
    node_fields_are_merged_per_type,
    object_with_all_fields_skipped_is_empty,
    skipped_field_does_not_affect_the_order,
    rejects_invalid_syntax_that_the_parser_accepts,
    rejects_several_root_fields_of_a_subscription_that_is_not_executed,
    null_for_argument_with_default_is_a_field_error,
    numbers_without_a_fraction_are_integers,
    ids_accept_integers_of_any_size,
    json_list_may_contain_null,
    introspection_types_follow_the_specification,
    introspection_is_merged_into_the_response,
];

async fn mutation_selected_twice_is_executed_once(app: App) {
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

async fn list_selected_twice_is_read_once(app: App) {
    app.world().await;
    let query = "{ prospects(first: 2) { nodes { id } } prospects(first: 2) { nodes { email } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(data, app.data("{ prospects(first: 2) { nodes { id email } } }").await);
    assert_eq!(statements, 1);
}

/// Asserts that every document is rejected before execution.
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

async fn rejects_variables_that_do_not_match_their_position(app: App) {
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
            "{ prospects(filter: { createdAt: { gt: \"yesterday\" } }) { totalCount } }",
            "{ prospects(filter: { createdAt: { gt: [\"2026-01-01T00:00:00Z\"] } }) { totalCount } }",
            "query ($a: DateTime = 1) { prospects(filter: { createdAt: { gt: $a } }) { totalCount } }",
            "mutation { a: createOutreachDraft(input: { prospectId: 1, draftType: \"x\", content: \"x\" }) \
             { userErrors { code } } b: createOutreachDraft(input: []) { userErrors { code } } }",
        ],
    )
    .await;
    let zero = app.data("{ prospects(filter: { revision: { eq: -0 } }) { totalCount } }").await;
    assert_eq!(zero["prospects"]["totalCount"], 0);
}

async fn omitted_optional_variable_uses_the_argument_default(app: App) {
    let report = app.data("query ($d: Int) { importCostReport(days: $d) { date } }").await;
    assert!(report["importCostReport"].is_array(), "{report}");
    let query = "query ($i: Boolean) { __type(name: \"Query\") { fields(includeDeprecated: $i) { name } } }";
    let fields = app.data(query).await;
    assert!(fields["__type"]["fields"].as_array().is_some_and(|fields| !fields.is_empty()));
}

async fn string_escapes_are_decoded(app: App) {
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

async fn response_keys_are_ordered_by_first_occurrence(app: App) {
    app.world().await;
    let query = "{ z: __typename prospect(id: 1) { fullName ...P id } a: __typename prospect(id: 1) { email } } \
                 fragment P on Prospect { revision company { name } fullName company { id } }";
    let request = Request::new(query).data(app.scope(app.organization));
    let text = json_text::response(&executor().execute(request).await);
    let keys =
        ["z", "prospect", "fullName", "revision", "company", "name", "id", "id", "email", "a"];
    let mut rest = text.as_str();
    for key in keys {
        let found = rest.split_once(&format!("\"{key}\":"));
        rest = found.unwrap_or_else(|| panic!("`{key}` is missing or out of order: {text}")).1;
    }
}

async fn node_fields_are_merged_per_type(app: App) {
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
}

async fn object_with_all_fields_skipped_is_empty(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ prospect(id: 1) { company { name @skip(if: true) } } viewer { role @include(if: false) } \
             llmCostReport(groupBy: MODEL) { total @skip(if: true) { calls } } draftFunnel { ... @skip(if: true) { sent } } \
             databaseStatistics { tables { name @skip(if: true) } } \
             company(id: 1) { engagement { ... @include(if: false) { __typename } } timeline(first: 1) { nodes { at @skip(if: true) } } } }",
        )
        .await;
    assert_eq!(data["prospect"], json!({ "company": {} }));
    for root in ["viewer", "llmCostReport", "draftFunnel"] {
        assert_eq!(data[root], json!({}), "{data}");
    }
    let tables = data["databaseStatistics"]["tables"].as_array().unwrap();
    assert!(!tables.is_empty() && tables.iter().all(|table| *table == json!({})), "{data}");
    assert_eq!(data["company"]["engagement"], json!({}), "{data}");
    assert_eq!(data["company"]["timeline"]["nodes"][0], json!({}), "{data}");
    let act = "mutation { a: unsubscribeProspect(input: { id: 99 }) { userErrors { code @skip(if: true) } } \
               b: createIndustry(input: { name: \"x\" }) { industry { id @skip(if: true) } } \
               c: unsubscribeProspect(input: { id: 99 }) { prospect @skip(if: true) { id } } }";
    let expected = json!({ "a": { "userErrors": [{}] }, "b": { "industry": {} }, "c": {} });
    assert_eq!(app.data(act).await, expected);
    assert_eq!(app.data("{ schemaVersion @skip(if: true) }").await, json!({}));
    assert_eq!(app.data("{ viewer @skip(if: true) { role } }").await, json!({}));
}

async fn skipped_field_does_not_affect_the_order(app: App) {
    app.world().await;
    let query = "{ schemaVersion @skip(if: true) prospect(id: 1) { id @skip(if: true) email id } schemaVersion }";
    let request = Request::new(query).data(app.scope(app.organization));
    let text = json_text::response(&executor().execute(request).await);
    let place = |key: &str| text.find(&format!("\"{key}\":")).unwrap();
    assert!(place("prospect") < place("schemaVersion"), "{text}");
    assert!(place("email") < place("id"), "{text}");
}

async fn rejects_invalid_syntax_that_the_parser_accepts(app: App) {
    for (document, expected) in [
        ("{ prospects(first) { totalCount } }", "expected a colon after `first`"),
        ("{ prospects(first first: 1) { totalCount } }", "expected a colon after `first`"),
        ("{ prospects(filter: { revision }) { totalCount } }", "expected a colon after `revision`"),
        ("{ __typename @skip(if if: true) }", "expected a colon after `if`"),
        ("{ prospects {} }", "expected at least one selection"),
        ("{}", "expected at least one selection"),
    ] {
        let error = app.error(document).await;
        assert_eq!(error, format!("GRAPHQL_PARSE_FAILED: syntax error: {expected}"), "{document}");
    }
}

async fn rejects_several_root_fields_of_a_subscription_that_is_not_executed(app: App) {
    for other in [
        "subscription S { a: changes { cursor } b: changes { cursor } }",
        "subscription S { ...F } fragment F on Subscription { a: changes { cursor } b: changes { cursor } }",
    ] {
        let query = format!("query Q {{ __typename }} {other}");
        let request = Request::new(&query).operation_name("Q").data(app.scope(app.organization));
        let answer = executor().execute(request).await;
        assert_eq!(
            answer.errors[0].message, "a subscription must have exactly one root field",
            "{other}"
        );
    }
    let query = "query Q { __typename } subscription S { changes { cursor } changes { cursor } }";
    let request = Request::new(query).operation_name("Q").data(app.scope(app.organization));
    assert_eq!(executor().execute(request).await.errors, []);
}

async fn null_for_argument_with_default_is_a_field_error(app: App) {
    app.world().await;
    let query = "query ($d: Int = 3) { importCostReport(days: $d) { date } }";
    let answer = app.answer_to(app.organization, query, json!({ "d": null })).await;
    assert_eq!(answer["errors"][0]["path"], json!(["importCostReport"]), "{answer}");
    let query = "query ($a: Int = 1) { prospect(id: 1) { interactions(filter: { revision: { in: [$a] } }) { totalCount } } viewer { role } }";
    let answer = app.answer_to(app.organization, query, json!({ "a": null })).await;
    assert_eq!(answer["errors"][0]["path"][0], "prospect", "{answer}");
    assert_eq!(answer["data"]["prospect"], json!(null), "{answer}");
}

async fn numbers_without_a_fraction_are_integers(app: App) {
    app.world().await;
    let query = "query ($a: Int) { prospects(first: $a) { nodes { id } } }";
    for (value, count) in [(json!(2), 2), (json!(2.0), 2), (json!(2e0), 2), (json!(-0.0), 0)] {
        let answer = app.answer_to(app.organization, query, json!({ "a": value })).await;
        let nodes = answer["data"]["prospects"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), count, "{value}");
    }
    for value in [json!(1.5), json!("1"), json!(2_147_483_648_i64), json!(1e300), json!(true)] {
        let answer = app.answer_to(app.organization, query, json!({ "a": value })).await;
        let message = &answer["errors"][0]["message"];
        assert_eq!(message, "`$a` must be a value of type `Int`", "{value}");
    }
}

async fn ids_accept_integers_of_any_size(app: App) {
    app.world().await;
    let digits = "123456789012345678901234567890";
    let query = format!(
        "{{ node(id: {digits}) {{ id }} nodes(ids: [1, {digits}]) {{ id }} prospect(id: 1) {{ id }} }}"
    );
    let data = app.data(&query).await;
    assert_eq!(data["prospect"]["id"], "Prospect:1");
    assert_eq!(data["node"], json!(null));
    let query = "query ($id: ID!) { prospect(id: $id) { id } }";
    for (value, found) in [(json!(1), true), (json!(1.0), true), (json!(u64::MAX), false)] {
        let answer = app.answer_to(app.organization, query, json!({ "id": value })).await;
        assert_eq!(answer["data"]["prospect"].is_object(), found, "{answer}");
    }
}

async fn json_list_may_contain_null(app: App) {
    let create = "mutation { createSetting(input: { key: \"k\", value: [1, [null, 1.5], null] }) \
                  { setting { value } userErrors { message } } }";
    let data = app.data(create).await;
    assert_eq!(data["createSetting"]["userErrors"], json!([]), "{data}");
    assert_eq!(data["createSetting"]["setting"]["value"], json!([1, [null, 1.5], null]));
    let missing =
        "mutation { createSetting(input: { key: \"k\", value: null }) { userErrors { message } } }";
    rejects(&app, &[missing]).await;
}

async fn introspection_types_follow_the_specification(app: App) {
    let data = app
        .data(
            "{ node: __type(name: \"Node\") { interfaces { name } possibleTypes { name } } \
             schema: __type(name: \"__Schema\") { fields { name type { kind name } } } \
             nothing: __type(name: \"Nope\") { name } }",
        )
        .await;
    assert_eq!(data["node"]["interfaces"], json!([]));
    assert!(data["node"]["possibleTypes"].as_array().is_some_and(|types| types.len() > 20));
    let fields = data["schema"]["fields"].as_array().unwrap();
    let description = fields.iter().find(|field| field["name"] == "description").unwrap();
    assert_eq!(description["type"], json!({ "kind": "SCALAR", "name": "String" }));
    assert_eq!(data["nothing"], json!(null));
}

async fn introspection_is_merged_into_the_response(app: App) {
    app.world().await;
    let query = "query ($name: String!, $no: Boolean!) { a: __type(name: $name) { name } prospect(id: 1) { id } \
                 ...S a: __type(name: $name) { kind } __schema @include(if: $no) { description } } \
                 fragment S on Query { __schema { queryType { name } } z: __typename }";
    let variables = json!({ "name": "Channel", "no": false });
    for _ in ["new", "known"] {
        let answer = app.answer_to(app.organization, query, variables.clone()).await;
        let expected = json!({ "a": { "name": "Channel", "kind": "ENUM" }, "prospect": { "id": "Prospect:1" },
            "__schema": { "queryType": { "name": "Query" } }, "z": "Query" });
        assert_eq!(answer["data"], expected, "{answer}");
    }
    let request = Request::new(query)
        .variables(async_graphql::Variables::from_json(variables))
        .data(app.scope(app.organization));
    let text = json_text::response(&executor().execute(request).await);
    let places =
        ["\"a\"", "\"prospect\"", "\"__schema\"", "\"z\""].map(|key| text.find(key).unwrap());
    assert!(places.is_sorted(), "{text}");
}

//! Document cache: a cached document produces the same response as a newly parsed one.

use api::product_server::executor;
use async_graphql::{Executor, Request, Variables};
use graph::json_text;
use serde_json::{Value, json};
use server::execute::SchemaExecutor;
use tests::{App, behaviours};

behaviours![
    cached_document_returns_the_same_response,
    cached_document_is_still_checked_for_cost,
    invalid_document_is_rejected_again,
    repeated_root_fields_are_merged,
    repeated_payload_fields_are_merged,
    subscription_is_validated_once,
];

/// The response of `executor` to a document with variables.
async fn answer(
    app: &App,
    executor: &SchemaExecutor,
    document: &str,
    operation: Option<&str>,
    variables: &Value,
) -> Value {
    let mut request = Request::new(document)
        .variables(Variables::from_json(variables.clone()))
        .data(app.scope(app.organization));
    if let Some(operation) = operation {
        request = request.operation_name(operation);
    }
    let response = executor.execute(request).await;
    serde_json::from_str(&json_text::response(&response)).unwrap()
}

async fn cached_document_returns_the_same_response(app: App) {
    app.world().await;
    let page = "query($first: Int, $after: String) { companies(first: $first, after: $after) { \
                nodes { id name } totalCount } }";
    let one = "query($id: ID!) { company(id: $id) { name } node(id: $id) { id } }";
    let several = "query($ids: [ID!]! = [\"Company:1\"]) { nodes(ids: $ids) { id } }";
    // The variable is valid in this position because it has a default value, which an explicit null does not use.
    let maybe = "query($ids: [ID!] = [\"Company:1\"]) { nodes(ids: $ids) { id } }";
    let filter = "query($filter: CompanyFilter, $order: [CompanyOrder!]) { \
                  companies(filter: $filter, orderBy: $order) { nodes { name } } }";
    let chosen = "query($yes: Boolean!) { companies { nodes { id name @include(if: $yes) } } }";
    let cases = [
        (page, json!({ "first": 1 })),
        (page, json!({})),
        (page, json!({ "first": null })),
        (page, json!({ "first": 1, "after": null })),
        (page, json!({ "first": 101 })),
        (page, json!({ "first": "1" })),
        (page, json!({ "first": 1, "after": "no cursor" })),
        (one, json!({ "id": "Company:1" })),
        (one, json!({ "id": 1 })),
        (one, json!({ "id": null })),
        (one, json!({})),
        (one, json!({ "id": ["Company:1"] })),
        (several, json!({})),
        (several, json!({ "ids": ["Company:1", "Company:2"] })),
        (several, json!({ "ids": "Company:1" })),
        (several, json!({ "ids": null })),
        (several, json!({ "ids": [null] })),
        (maybe, json!({})),
        (maybe, json!({ "ids": null })),
        (filter, json!({ "filter": { "size": { "eq": "11-50" } } })),
        (filter, json!({ "filter": { "size": { "eq": null } } })),
        (filter, json!({ "filter": { "nothing": 1 } })),
        (filter, json!({ "filter": null, "order": [{ "name": "DESC" }] })),
        (filter, json!({ "order": [{ "name": "DESC", "id": "ASC" }] })),
        (filter, json!({ "order": [{ "name": "UP" }] })),
        (filter, json!({ "order": [null] })),
        (chosen, json!({ "yes": true })),
        (chosen, json!({ "yes": false })),
        (chosen, json!({ "yes": null })),
    ];
    let known = executor();
    let mut first = Vec::new();
    for (document, variables) in &cases {
        let new = executor();
        first.push(answer(&app, &new, document, None, variables).await);
        answer(&app, &known, document, None, variables).await;
    }
    for ((document, variables), first) in cases.iter().zip(first) {
        let again = answer(&app, &known, document, None, variables).await;
        assert_eq!(again, first, "{document} {variables}");
    }
    let two = "query A { companies { totalCount } } query B { industries { totalCount } }";
    for operation in ["A", "B", "A", "C", "B"] {
        let new = executor();
        let expected = answer(&app, &new, two, Some(operation), &json!({})).await;
        assert_eq!(answer(&app, &known, two, Some(operation), &json!({})).await, expected);
    }
}

async fn cached_document_is_still_checked_for_cost(app: App) {
    app.world().await;
    let nested = "query($n: Int) { companies(first: $n) { nodes { prospects(first: $n) { nodes { \
                  interactions(first: $n) { nodes { id } } } } } } }";
    let executor = executor();
    for n in [1, 1, 100, 1] {
        let answer = answer(&app, &executor, nested, None, &json!({ "n": n })).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(*code == "TOO_COMPLEX", n == 100, "{answer}");
    }
}

async fn invalid_document_is_rejected_again(app: App) {
    app.world().await;
    let executor = executor();
    for document in
        ["{ nothing }", "{ companies { nodes { id(x: 1) } } }", "{ companies { nodes } }"]
    {
        let first = answer(&app, &executor, document, None, &json!({})).await;
        assert_eq!(first["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(answer(&app, &executor, document, None, &json!({})).await, first);
    }
}

async fn repeated_root_fields_are_merged(app: App) {
    app.world().await;
    for (twice, once) in [
        (
            "{ company(id: 1) { name } ...F } \
             fragment F on Query { company(id: 1) { size prospects(first: 1) { nodes { id } } } }",
            "{ company(id: 1) { name size prospects(first: 1) { nodes { id } } } }",
        ),
        (
            "{ prospects(first: 2) { nodes { id } } prospects(first: 2) { totalCount nodes { email } } }",
            "{ prospects(first: 2) { nodes { id email } totalCount } }",
        ),
        (
            "{ nodes(ids: [\"Company:1\", \"Industry:9\"]) { id } \
             nodes(ids: [\"Company:1\", \"Industry:9\"]) { ... on Company { name } } }",
            "{ nodes(ids: [\"Company:1\", \"Industry:9\"]) { id ... on Company { name } } }",
        ),
    ] {
        let expected = app.data(once).await;
        // The second time, the document is cached.
        for _ in 0..2 {
            assert_eq!(app.data(twice).await, expected, "{twice}");
        }
    }
}

async fn repeated_payload_fields_are_merged(app: App) {
    let (industry, solution) = (app.industry("Bakeries").await, app.solution("Oven Eye").await);
    for _ in 0..2 {
        let linked = app
            .done(&format!(
                "mutation {{ linkIndustrySolution(input: {{ industryId: {industry}, \
                 solutionId: {solution} }}) {{ industry {{ id }} ...P userErrors {{ message }} }} }} \
                 fragment P on IndustrySolutionPayload {{ industry {{ name }} }}"
            ))
            .await;
        let expected = json!({ "id": format!("Industry:{industry}"), "name": "Bakeries" });
        assert_eq!(linked["industry"], expected);
    }
}

async fn subscription_is_validated_once(app: App) {
    let executor = executor();
    for (document, is_valid) in [
        ("subscription { changes { cursor } }", true),
        ("subscription { changes { nope } }", false),
    ] {
        assert!(executor.cached_document(None, &Request::new(document)).is_none(), "{document}");
        let request = Request::new(document).data(app.scope(app.organization));
        drop(executor.execute_stream(request, None));
        assert_eq!(
            executor.cached_document(None, &Request::new(document)).is_some(),
            is_valid,
            "{document}"
        );
    }
}

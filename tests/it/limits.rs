//! Complexity limits: hostile documents are rejected, and legitimate documents are accepted.

use serde_json::{Value, json};
use server::document::Limits;
use tests::{App, behaviours};

use crate::{
    http::{JSON, beside, send, serve},
    protocol::{body, code},
};

behaviours![
    hostile_documents_are_rejected_before_execution,
    variable_size_counts_once_per_use,
    at_most_twenty_errors_are_reported,
    messages_quote_at_most_a_hundred_characters,
    oversized_response_is_rejected,
    legitimate_documents_are_accepted,
    query_cost_is_returned_on_request,
];

fn numbered(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Low limits, so that small documents exceed them.
const LOW: Limits = Limits {
    max_tokens: 300,
    max_depth: 12,
    max_aliases: 20,
    max_directives: 10,
    max_roots: 10,
    max_fields: 60,
    max_cost: 9_000,
    max_name_length: 20,
    max_string_length: 40,
};

/// Small versions of documents that would overload a server without limits, each with the expected error.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let doubling = |steps: usize, times: usize| {
        let mut text = "{ prospects { nodes { ...f0 } } }".to_owned();
        for step in 0..steps {
            let spreads = format!("...f{} ", step + 1).repeat(times);
            text = format!("{text} fragment f{step} on Prospect {{ {spreads} }}");
        }
        text + &format!(" fragment f{steps} on Prospect {{ id }}")
    };
    let pages = |size: usize| {
        format!(
            "{{ prospects(first: {size}) {{ nodes {{ company {{ prospects(first: {size}) {{ nodes {{ id }} }} }} }} }} }}"
        )
    };
    let chain = numbered(11, |n| format!("fragment c{n} on Prospect {{ ...c{} }}", n + 1));
    vec![
        ("a chain of doubling fragments", doubling(6, 2), "TOO_COMPLEX: fields and fragments"),
        ("two steps of 8 spreads", doubling(2, 8), "TOO_COMPLEX: fields and fragments"),
        (
            "a doubling chain with an undefined fragment",
            doubling(6, 2).replace("fragment f6 on Prospect { id }", ""),
            "GRAPHQL_VALIDATION_FAILED: unknown fragment",
        ),
        (
            "a doubling chain without a field",
            doubling(6, 2).replace("{ id }", "{ ... { ... { ...{ id } } } }"),
            "TOO_COMPLEX: fields and fragments",
        ),
        (
            "an unused doubling chain",
            doubling(6, 2).replace("{ prospects { nodes { ...f0 } } }", "{ __typename }"),
            "TOO_COMPLEX: fields and fragments",
        ),
        (
            "two searches that match everything",
            format!("{{ {} }}", numbered(2, |n| format!("a{n}: search(query: \"a* e*\") {{ totalCount }}"))),
            "TOO_COMPLEX: query cost",
        ),
        ("spreads without whitespace", format!("{{ {} }}", "...U".repeat(200)), "TOO_COMPLEX: tokens"),
        (
            "numbers without whitespace",
            format!("{{ prospects(first: [{}]) {{ totalCount }} }}", "1-".repeat(200)),
            "TOO_COMPLEX: tokens",
        ),
        (
            "introspection with many aliases",
            format!("{{ __schema {{ types {{ fields {{ type {{ fields {{ {} }} }} }} }} }} }}", numbered(19, |n| format!("a{n}: name"))),
            "TOO_COMPLEX: query cost",
        ),
        ("a recursive fragment", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(), "GRAPHQL_VALIDATION_FAILED: the fragment `a` contains itself"),
        ("a deep object", format!("{{ prospect(id: 1) {} }}", "{ company { prospects { nodes ".repeat(4) + "{ id }" + &"} } }".repeat(4)), "TOO_COMPLEX: field depth"),
        ("a long chain", format!("{{ prospects {{ nodes {{ {} }} }} }} {chain} fragment c11 on Prospect {{ id }}", "...c0 ".repeat(5)), "TOO_COMPLEX: fields and fragments"),
        ("many tokens", format!("{{ {} }}", "__typename ".repeat(301)), "TOO_COMPLEX: tokens"),
        ("many aliases", format!("{{ prospect(id: 1) {{ {} }} }}", numbered(21, |n| format!("a{n}: id"))), "TOO_COMPLEX: aliases"),
        ("many directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(11)), "TOO_COMPLEX: directives"),
        ("many roots", format!("{{ {} }}", numbered(11, |n| format!("a{n}: __typename "))), "TOO_COMPLEX: root fields"),
        ("nested pages of 100", pages(100), "TOO_COMPLEX: query cost"),
        ("deeply nested introspection", "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }".to_owned(), "TOO_COMPLEX: depth of introspection lists"),
        ("repeated introspection", format!("{{ {} }}", numbered(5, |n| format!("a{n}: __schema {{ types {{ name }} }} "))), "TOO_COMPLEX: query cost"),
        ("a long name", format!("{{ {} }}", "n".repeat(21)), "TOO_COMPLEX: name length in bytes: 21 exceeds the limit of 20"),
        ("a long alias", format!("{{ {}: __typename }}", "n".repeat(21)), "TOO_COMPLEX: name length in bytes"),
        ("a long number", format!("{{ prospects(first: {}) {{ totalCount }} }}", "1".repeat(21)), "TOO_COMPLEX: name length in bytes"),
        ("a long string", format!("{{ prospect(id: \"{}\") {{ id }} }}", "1".repeat(39)), "TOO_COMPLEX: string length in bytes: 41 exceeds the limit of 40"),
        ("a long block string", format!("{{ prospect(id: \"\"\"{}\"\"\") {{ id }} }}", "1".repeat(39)), "TOO_COMPLEX: string length in bytes"),
        ("unclosed", "{".repeat(150), "GRAPHQL_PARSE_FAILED"),
    ]
}

async fn hostile_documents_are_rejected_before_execution(app: App) {
    let app = app.within(LOW);
    for (name, document, expected) in hostile() {
        let before = app.store.statements();
        let error = app.error(&document).await;
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(error.len() < 300 && !error.contains("-->"), "{name}: {error}");
        assert_eq!(app.store.statements(), before, "{name}");
    }
}

async fn variable_size_counts_once_per_use(app: App) {
    let uses = "$a,".repeat(20);
    let long = "x".repeat(500_000);
    for query in [
        format!("query ($a: ID!) {{ companies(first: [{uses}]) {{ nodes {{ id }} }} }}"),
        format!("query ($a: ID!) {{ nodes(ids: [{uses}]) {{ id }} }}"),
    ] {
        let answer = app.answer_to(app.organization, &query, json!({ "a": long })).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("bytes of variables"), "{message}");
    }
    let query = "query ($a: ID!) { a: company(id: $a) { id } b: prospect(id: $a) { id } }";
    let answer = app.answer_to(app.organization, query, json!({ "a": "x".repeat(1_000) })).await;
    assert_eq!(answer["data"], json!({ "a": null, "b": null }));
}

async fn at_most_twenty_errors_are_reported(app: App) {
    let answer = app
        .answer(&format!("{{ prospect(id: 1) {{ {} }} }}", numbered(25, |n| format!("no{n}"))))
        .await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
}

async fn messages_quote_at_most_a_hundred_characters(app: App) {
    let (name, text) = ("n".repeat(150), "long text ".repeat(15));
    for document in [
        format!("{{ {name} }}"),
        format!("{{ {name}: nope }}"),
        format!("{{ prospects({name}: 1) {{ totalCount }} }}"),
        format!("{{ prospects(first: \"{text}\") {{ totalCount }} }}"),
        format!("{{ prospects(filter: {{ {name}: 1 }}) {{ totalCount }} }}"),
        format!("{{ prospects(filter: {{ createdAt: {{ gt: \"{text}\" }} }}) {{ totalCount }} }}"),
        format!("{{ prospects(filter: {{ lifecycleStage: {{ eq: {name} }} }}) {{ totalCount }} }}"),
        format!("{{ ...{name} }}"),
        format!("{{ ... on {name} {{ id }} }}"),
        format!("{{ __typename @{name} }}"),
        format!("query ${name} {{ __typename }}"),
        format!("query ($a: {name}) {{ prospects(first: $a) {{ totalCount }} }}"),
        format!("{{ prospects(first: ${name}) {{ totalCount }} }}"),
        format!("query (${name}: Int) {{ __typename }}"),
        format!("{{ prospects(first {name}: 1) {{ totalCount }} }}"),
        format!("{{ prospects({name} first: 1) {{ totalCount }} }}"),
        format!(
            "{{ prospects(filter: {{ createdAt: {{ gt: {{ {name}: [\"{text}\"] }} }} }}) {{ totalCount }} }}"
        ),
        format!("{{ __typename }} fragment {name} on Query {{ __typename }}"),
        format!("{{ __typename }} \"{text}\""),
        format!(
            "{{ prospect(id: \"{text}\") {{ id }} prospects(after: \"{text}\") {{ nodes {{ id }} }} }}"
        ),
        format!("{{ prospects(orderBy: {{ {name}: ASC }}) {{ totalCount }} }}"),
    ] {
        let errors = app.answer(&document).await["errors"].to_string();
        assert_ne!(errors, "null", "{document}");
        assert!(
            !errors.contains(&name[..102]) && !errors.contains(&text[..102]),
            "{document}: {errors}"
        );
    }
    let query = "query ($a: ProspectFilter) { prospects(filter: $a) { totalCount } }";
    for variables in
        [json!({ "a": { name.clone(): 1 } }), json!({ "a": { "fullName": { name.clone(): 1 } } })]
    {
        let answer = app.answer_to(app.organization, query, variables).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(!message.contains(&name[..102]), "{message}");
    }
}

async fn oversized_response_is_rejected(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let content = "x".repeat(400_000);
        let write = json!({ "query": "mutation ($c: String!) { createOutreachDraft(input: { prospectId: 1, draftType: \"x\", content: $c }) { userErrors { code } } }", "variables": { "c": content } });
        assert_eq!(send(address, JSON, &write.to_string()).await.0, 200);
        let names = numbered(50, |n| format!("a{n}: content"));
        let ask = body(&format!("{{ outreachDrafts(last: 1) {{ nodes {{ {names} }} }} }}"));
        let (_, _, answer) = send(address, JSON, &ask).await;
        assert_eq!(code(&answer), "TOO_COMPLEX", "{}", &answer[..answer.len().min(300)]);
        let (_, _, answer) = send(address, JSON, &body("{ outreachDrafts(last: 1) { nodes { content } } }")).await;
        assert!(answer.len() > 400_000);
    })
    .await;
}

async fn legitimate_documents_are_accepted(app: App) {
    app.world().await;
    let aliases: String =
        numbered(10, |n| format!("a{n}: prospects(first: 2) {{ nodes {{ id }} }} "));
    let fields = "id fullName email location isActive createdAt updatedAt revision ";
    for document in [
        format!("{{ {aliases} }}"),
        "{ companies(first: 10) { edges { node { prospects(first: 10) { edges { node { interactions(first: 10) { edges { node { id subject content } } } } } } } } } }".to_owned(),
        "{ prospects(first: 100) { nodes { id fullName company { id name industry { id name } } } } }".to_owned(),
        format!("{{ prospects(first: 2) {{ nodes {{ {} }} }} }}", fields.repeat(600)),
        // This document is nested as deeply as the queries of generated clients.
        "{ node(id: \"Company:1\") { ... on Company { prospects(first: 1) { edges { node { company { prospects(first: 1) { edges { node { company { industry { name } } } } } } } } } } } }".to_owned(),
    ] {
        app.data(&document).await;
    }
}

async fn query_cost_is_returned_on_request(app: App) {
    beside(async {
        let address = serve(&app).await;
        let head = format!("{JSON}\r\nSalesgraph-Cost: 1");
        let query = "{ companies(first: 3) { nodes { prospects(first: 2) { nodes { id } } } } }";
        let (_, _, answer) = send(address, &head, &body(query)).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        // Expected cost: companies 1 + 3 × (nodes 1 + prospects 1 + 2 × (nodes 1 + id 1)).
        let expected = json!({ "requested": 19, "limit": 100_000, "statements": 1 });
        assert_eq!(answer["extensions"]["cost"], expected);
        assert!(!send(address, JSON, &body(query)).await.2.contains("extensions"));
    })
    .await;
}

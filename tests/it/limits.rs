//! How much one request may ask for: documents that would keep a server busy, and honest ones that must pass.

use serde_json::{Value, json};
use tests::{App, behaviours};

use crate::{
    http::{JSON, beside, send, serve},
    protocol::{body, code},
};

behaviours![
    hostile_documents_are_refused_before_they_run,
    variables_are_counted_as_often_as_they_are_used,
    thousands_of_mistakes_are_told_by_some,
    an_answer_of_many_long_texts_is_refused,
    honest_documents_are_not,
    the_cost_is_told_when_it_is_asked_for,
];

fn numbered(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Documents that would keep a server busy for minutes, and the codes they are refused with.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let doubling = |steps: usize, times: usize| {
        let mut text = "{ prospects { nodes { ...f0 } } }".to_owned();
        for step in 0..steps {
            let spreads = format!("...f{} ", step + 1).repeat(times);
            text = format!("{text} fragment f{step} on Prospect {{ {spreads} }}");
        }
        text + &format!(" fragment f{steps} on Prospect {{ id }}")
    };
    let nested = |levels: usize| {
        let mut text = "id".to_owned();
        for _ in 0..levels {
            text = format!("company {{ prospects(first: 100) {{ nodes {{ {text} }} }} }}");
        }
        format!("{{ prospects(first: 100) {{ nodes {{ {text} }} }} }}")
    };
    let chain = numbered(1_000, |n| format!("fragment c{n} on Prospect {{ ...c{} }}", n + 1));
    vec![
        ("a chain of 25 doubling fragments", doubling(25, 2), "TOO_COMPLEX"),
        ("10 steps of 8 spreads", doubling(10, 8), "TOO_COMPLEX"),
        (
            "a doubling chain that ends nowhere",
            doubling(25, 2).replace("fragment f25 on Prospect { id }", ""),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "a doubling chain without a field",
            doubling(25, 2).replace("{ id }", "{ ... { ... { ...{ id } } } }"),
            "TOO_COMPLEX",
        ),
        (
            "a doubling chain that nothing uses",
            doubling(25, 2).replace("{ prospects { nodes { ...f0 } } }", "{ __typename }"),
            "TOO_COMPLEX",
        ),
        (
            "twenty searches for everything",
            format!(
                "{{ {} }}",
                numbered(20, |n| format!("a{n}: search(query: \"a* e* i*\") {{ totalCount }}"))
            ),
            "TOO_COMPLEX",
        ),
        ("spreads in one word", format!("{{ {} }}", "...U".repeat(200_000)), "TOO_COMPLEX"),
        (
            "numbers in one word",
            format!("{{ prospects(first: [{}]) {{ totalCount }} }}", "1-".repeat(200_000)),
            "TOO_COMPLEX",
        ),
        (
            "a schema by many names",
            format!(
                "{{ __schema {{ types {{ fields {{ type {{ fields {{ {} }} }} }} }} }} }}",
                numbered(190, |n| format!("a{n}: name"))
            ),
            "TOO_COMPLEX",
        ),
        ("a fragment in itself", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("a long chain", format!("{{ prospects {{ nodes {{ ...c0 }} }} }} {chain} fragment c1000 on Prospect {{ id }}"), "TOO_COMPLEX"),
        ("many tokens", format!("{{ {} }}", "__typename ".repeat(50_000)), "TOO_COMPLEX"),
        ("many aliases", format!("{{ {} }}", numbered(1_000, |n| format!("a{n}: __typename "))), "TOO_COMPLEX"),
        ("many directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(1_000)), "TOO_COMPLEX"),
        ("many roots", format!("{{ {} }}", numbered(60, |n| format!("a{n}: __typename "))), "TOO_COMPLEX"),
        ("100 of 100 of 100", nested(2), "TOO_COMPLEX"),
        ("a schema in a schema", "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }".to_owned(), "TOO_COMPLEX"),
        ("many schemas", format!("{{ {} }}", numbered(100, |n| format!("a{n}: __schema {{ types {{ name }} }} "))), "TOO_COMPLEX"),
        ("unclosed", "{".repeat(150), "GRAPHQL_PARSE_FAILED"),
    ]
}

async fn hostile_documents_are_refused_before_they_run(app: App) {
    for (name, document, expected) in hostile() {
        let before = app.store.statements();
        let error = app.error(&document).await;
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(error.len() < 300 && !error.contains("-->"), "{name}: {error}");
        assert_eq!(app.store.statements(), before, "{name}");
    }
}

async fn variables_are_counted_as_often_as_they_are_used(app: App) {
    let uses = "$a,".repeat(2_000);
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

async fn thousands_of_mistakes_are_told_by_some(app: App) {
    let answer = app
        .answer(&format!("{{ prospect(id: 1) {{ {} }} }}", numbered(1_000, |n| format!("no{n}"))))
        .await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
}

async fn an_answer_of_many_long_texts_is_refused(app: App) {
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

async fn honest_documents_are_not(app: App) {
    app.world().await;
    let aliases: String =
        numbered(10, |n| format!("a{n}: prospects(first: 2) {{ nodes {{ id }} }} "));
    let fields = "id fullName email location isActive createdAt updatedAt revision ";
    for document in [
        format!("{{ {aliases} }}"),
        "{ companies(first: 10) { edges { node { prospects(first: 10) { edges { node { interactions(first: 10) { edges { node { id subject content } } } } } } } } } }".to_owned(),
        "{ prospects(first: 100) { nodes { id fullName company { id name industry { id name } } } } }".to_owned(),
        format!("{{ prospects(first: 2) {{ nodes {{ {} }} }} }}", fields.repeat(600)),
        // As deep as generated clients go.
        "{ node(id: \"Company:1\") { ... on Company { prospects(first: 1) { edges { node { company { prospects(first: 1) { edges { node { company { industry { name } } } } } } } } } } } }".to_owned(),
    ] {
        app.data(&document).await;
    }
}

async fn the_cost_is_told_when_it_is_asked_for(app: App) {
    beside(async {
        let address = serve(&app).await;
        let head = format!("{JSON}\r\nSalesgraph-Cost: 1");
        let query = "{ companies(first: 3) { nodes { prospects(first: 2) { nodes { id } } } } }";
        let (_, _, answer) = send(address, &head, &body(query)).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        // companies 1 + 3 × (nodes 1 + prospects 1 + 2 × (nodes 1 + id 1)).
        let expected = json!({ "requested": 19, "limit": 100_000, "statements": 1 });
        assert_eq!(answer["extensions"]["cost"], expected);
        assert!(!send(address, JSON, &body(query)).await.2.contains("extensions"));
    })
    .await;
}

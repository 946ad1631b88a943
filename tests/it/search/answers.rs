//! Search results: highlights, rows, pages and errors.

use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{found, search, world};

behaviours![
    highlights_mark_the_matches,
    results_of_all_types_can_be_selected,
    search_pages_are_contiguous,
    invalid_search_arguments_are_rejected,
    search_takes_one_statement_plus_one_per_selected_type,
];

async fn highlights_mark_the_matches(app: App) {
    world(&app).await;
    let query = r#"{ search(query: "müller plan", types: [PROSPECT_RESEARCH]) { edges { title type score
        highlights { field text plain: text(before: "", after: "") parts { text found } } } } }"#;
    let data = app.data(query).await;
    let edge = &data["search"]["edges"][0];
    let expected = json!({ "title": null, "type": "PROSPECT_RESEARCH", "score": 0.3, "highlights": [{
        "field": "researchSummary",
        "text": "«Müller» «plans» routes by hand; needs a «planner».",
        "plain": "Müller plans routes by hand; needs a planner.",
        "parts": [{ "text": "Müller", "found": true }, { "text": " ", "found": false },
            { "text": "plans", "found": true }, { "text": " routes by hand; needs a ", "found": false },
            { "text": "planner", "found": true }, { "text": ".", "found": false }],
    }, {
        "field": "keyInsights",
        "text": "12, Touren\n«planung»",
        "plain": "12, Touren\nplanung",
        "parts": [{ "text": "12, Touren\n", "found": false }, { "text": "planung", "found": true }],
    }] });
    assert_eq!(*edge, expected);
    let answer = search(&app, "berlin").await;
    let titles = answer["edges"].as_array().unwrap().iter().map(|edge| edge["title"].clone());
    assert_eq!(
        titles.collect::<Vec<_>>(),
        ["Ann Berlin", "conference, Berlin", "Anna Schmidt", "Call"]
    );
}

async fn results_of_all_types_can_be_selected(app: App) {
    world(&app).await;
    let query = r#"query { found: search(query: "acme", types: [PROSPECT, COMPANY]) {
        nodes { id ...Names }
        people: nodes { ... on Prospect { fullName } }
        edges { node { __typename ... on Company { prospects { totalCount } } } node { id } again: node { id } }
        pageInfo { hasNextPage } } }
        fragment Names on Node { ... on Company { name } ... on Prospect { company { name } } }"#;
    let data = app.data(query).await;
    let expected = json!({
        "nodes": [{ "id": "Company:2", "name": "Acme Logistik AG" },
            { "id": "Prospect:3", "company": { "name": "Acme Logistik AG" } },
            { "id": "Prospect:2", "company": { "name": "Acme Logistik AG" } }],
        "people": [{}, { "fullName": "Ann Berlin" }, { "fullName": "Anna Schmidt" }],
        "edges": [
            { "node": { "__typename": "Company", "prospects": { "totalCount": 2 }, "id": "Company:2" },
              "again": { "id": "Company:2" } },
            { "node": { "__typename": "Prospect", "id": "Prospect:3" }, "again": { "id": "Prospect:3" } },
            { "node": { "__typename": "Prospect", "id": "Prospect:2" }, "again": { "id": "Prospect:2" } }],
        "pageInfo": { "hasNextPage": false },
    });
    assert_eq!(data["found"], expected);
}

async fn search_pages_are_contiguous(app: App) {
    let industry = app.industry("Logistics").await;
    for number in 0..7 {
        app.company(&format!("Acme {number}"), industry).await;
    }
    app.event("Acme", |_| {}).await;
    let all = found(&app, "acme").await;
    assert_eq!(all.len(), 8);
    let page = "query ($after: String, $size: Int) { search(query: \"acme\", first: $size, after: $after) {
                totalCount edges { cursor node { id } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    for size in 1..=9 {
        let (mut pages, mut after): (Vec<String>, Value) = (Vec::new(), Value::Null);
        loop {
            let variables = json!({ "after": after, "size": size });
            let answer = app.answer_to(app.organization, page, variables).await;
            let page = &answer["data"]["search"];
            assert_eq!(page["totalCount"], 8);
            assert_eq!(page["pageInfo"]["hasPreviousPage"], after != Value::Null);
            let edges = page["edges"].as_array().unwrap();
            pages.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()));
            assert_eq!(edges[0]["cursor"], page["pageInfo"]["startCursor"]);
            assert_eq!(edges.last().unwrap()["cursor"], page["pageInfo"]["endCursor"]);
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(pages, all, "{size}");
    }
    let cursor = app.data("{ search(query: \"acme\", first: 1) { edges { cursor } } }").await;
    let cursor = cursor["search"]["edges"][0]["cursor"].as_str().unwrap();
    for other in ["query: \"acme a\"", "query: \"acme\", types: [EVENT]"] {
        let answer = app
            .answer(&format!("{{ search({other}, after: \"{cursor}\") {{ totalCount }} }}"))
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_CURSOR", "{answer:#}");
    }
    let none = app.data("{ search(query: \"acme\", first: 0) { totalCount nodes { id } } }").await;
    assert_eq!(none["search"], json!({ "totalCount": 8, "nodes": [] }));
}

async fn invalid_search_arguments_are_rejected(app: App) {
    let long = "a".repeat(301);
    let many: String =
        (0..17).flat_map(|number| ["w".to_owned(), number.to_string(), " ".to_owned()]).collect();
    for (arguments, field) in [
        (json!({ "text": "" }), "query"),
        (json!({ "text": " . -" }), "query"),
        (json!({ "text": "-only -without" }), "query"),
        (json!({ "text": long }), "query"),
        (json!({ "text": many }), "query"),
        (json!({ "text": "a", "first": 101 }), "first"),
        (json!({ "text": "a", "first": -1 }), "first"),
        (json!({ "text": "a", "types": [] }), "types"),
    ] {
        let query = "query ($text: String!, $first: Int, $types: [SearchType!]) {
                     search(query: $text, first: $first, types: $types) { totalCount } }";
        let answer = app.answer_to(app.organization, query, arguments.clone()).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID", "{arguments}: {answer:#}");
        assert_eq!(error["extensions"]["field"], field, "{answer:#}");
    }
}

async fn search_takes_one_statement_plus_one_per_selected_type(app: App) {
    world(&app).await;
    let search = |inner: &str| format!("{{ search(query: \"berlin\") {{ {inner} }} }}");
    for (inner, statements) in [
        ("totalCount", 1),
        (
            "totalCount counts { type count } edges { cursor type score } pageInfo { hasNextPage }",
            1,
        ),
        ("edges { title highlights { text } }", 2),
        // Prospects, events and interactions.
        ("nodes { id }", 4),
        ("edges { title node { id ... on Prospect { company { name } } } }", 5),
        ("nodes { ... on Prospect { interactions { nodes { id } } } }", 5),
    ] {
        assert_eq!(app.counted(&search(inner)).await.1, statements, "{inner}");
    }
    // If a search has no results, a second statement looks up similar words; if any exist, a third searches for them.
    assert_eq!(app.counted("{ search(query: \"nowhere\") { totalCount } }").await.1, 2);
    assert_eq!(app.counted("{ search(query: \"behrlin\") { totalCount } }").await.1, 3);
}

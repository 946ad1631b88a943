//! Timelines: all activity of prospects and companies in chronological order.

use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    timeline_merges_all_activity_in_order,
    timeline_pages_have_no_gaps_or_overlaps,
    company_timeline_combines_its_prospects,
    timelines_execute_one_statement_for_all_parents,
    cursor_of_another_timeline_is_rejected,
];

const ENTRY: &str = "at kind subjectId prospectId title text detail actorKind actorName";

/// A prospect with every kind of timeline entry.
async fn world(app: &App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada", company).await;
    app.interaction(1, None, "First words", -2).await;
    app.draft(1, None, "draft").await;
    app.research(1, "Found out", |_| {}).await;
    for mutation in [
        r#"updateProspect(input: { id: 1, patch: { location: "Rome" } }) { userErrors { message } }"#,
        r#"logInteraction(input: { prospectId: 1, interactionType: "email", subject: "Re", content: "Yes",
           direction: INBOUND, interactionDate: "2026-03-01T11:00:00Z" }) { userErrors { message } }"#,
        r"submitOutreachDraft(input: { id: 1 }) { userErrors { message } }",
    ] {
        app.done(&format!("mutation {{ {mutation} }}")).await;
    }
}

async fn timeline_merges_all_activity_in_order(app: App) {
    world(&app).await;
    let data = app
        .data(&format!("{{ prospect(id: 1) {{ timeline {{ nodes {{ {ENTRY} }} pageInfo {{ hasNextPage }} }} }} }}"))
        .await;
    let nodes = data["prospect"]["timeline"]["nodes"].as_array().unwrap();
    let told: Vec<_> = nodes
        .iter()
        .map(|node| {
            let text = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("at"), text("kind"), text("title"), text("detail"))
        })
        .collect();
    let noon = "2026-03-01T12:00:00Z";
    assert_eq!(
        told,
        [
            // Ties are sorted by kind (interactions, drafts, research, changes), and newest first within each kind.
            format!("{noon} DRAFT initial pending_review"),
            format!("{noon} RESEARCH - -"),
            format!("{noon} CHANGE outreach_draft updated"),
            format!("{noon} CHANGE prospect updated"),
            format!("{noon} CHANGE prospect updated"),
            "2026-03-01T11:00:00Z INTERACTION Re inbound".to_owned(),
            "2026-03-01T10:00:00Z INTERACTION First words -".to_owned(),
        ]
    );
    assert_eq!(data["prospect"]["timeline"]["pageInfo"]["hasNextPage"], false);
    let reply = nodes[5].clone();
    let expected = json!({ "at": "2026-03-01T11:00:00Z", "kind": "INTERACTION", "subjectId": "Interaction:2",
        "prospectId": "Prospect:1", "title": "Re", "text": "Yes", "detail": "inbound", "actorKind": null,
        "actorName": null });
    assert_eq!(reply, expected);
    for node in nodes {
        let id = node["subjectId"].as_str().unwrap();
        let found = app.data(&format!(r#"{{ node(id: "{id}") {{ id }} }}"#)).await;
        assert_eq!(found["node"]["id"], id);
    }
}

async fn timeline_pages_have_no_gaps_or_overlaps(app: App) {
    world(&app).await;
    let all = app.data("{ prospect(id: 1) { timeline { nodes { subjectId } } } }").await;
    let all = all["prospect"]["timeline"]["nodes"].as_array().unwrap().clone();
    for size in 1..=4 {
        let (mut found, mut after): (Vec<Value>, Value) = (Vec::new(), Value::Null);
        loop {
            let page = "query ($after: String, $size: Int) { prospect(id: 1) { timeline(first: $size, after: $after) {
                        edges { cursor node { subjectId } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }";
            let variables = json!({ "after": after, "size": size });
            let answer = app.answer_to(app.organization, page, variables).await;
            let page = &answer["data"]["prospect"]["timeline"];
            assert_eq!(page["pageInfo"]["hasPreviousPage"], after != Value::Null);
            let edges = page["edges"].as_array().unwrap();
            found.extend(edges.iter().map(|edge| edge["node"].clone()));
            assert_eq!(edges.last().unwrap()["cursor"], page["pageInfo"]["endCursor"]);
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            assert_eq!(edges.len(), size);
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(found, all, "pages of {size}");
    }
}

async fn company_timeline_combines_its_prospects(app: App) {
    app.world().await;
    let timeline =
        "{ companies { nodes { name timeline(first: 100) { nodes { kind prospectId } } } } }";
    let count = |data: &Value, place: usize| {
        data["companies"]["nodes"][place]["timeline"]["nodes"].as_array().unwrap().len()
    };
    let before = app.data(timeline).await;
    // Acme has nine interactions, six drafts and three research rows; bank & Sons has five, two and three.
    assert_eq!((count(&before, 0), count(&before, 1)), (18, 10));
    app.done("mutation { deleteProspect(input: { id: 1 }) { deletedId userErrors { message } } }")
        .await;
    let after = app.data(timeline).await;
    assert_eq!(count(&after, 0), 18 - 2 - 2);
}

async fn timelines_execute_one_statement_for_all_parents(app: App) {
    app.world().await;
    for query in [
        "{ prospects { nodes { timeline(first: 3) { nodes { subjectId } } } } }",
        "{ companies { nodes { timeline(first: 3) { edges { cursor } } } } }",
    ] {
        assert_eq!(app.counted(query).await.1, 2, "{query}");
    }
}

async fn cursor_of_another_timeline_is_rejected(app: App) {
    world(&app).await;
    let data =
        app.data("{ company(id: 1) { timeline(first: 1) { pageInfo { endCursor } } } }").await;
    let cursor = data["company"]["timeline"]["pageInfo"]["endCursor"].as_str().unwrap();
    let query = format!(
        r#"{{ prospect(id: 1) {{ timeline(after: "{cursor}") {{ nodes {{ subjectId }} }} }} }}"#
    );
    assert!(app.error(&query).await.starts_with("BAD_CURSOR"));
    let query = r"{ prospect(id: 1) { timeline(first: 101) { nodes { subjectId } } } }";
    assert_eq!(app.error(query).await, "INVALID: `first` must be from 0 to 100, got 101");
}

//! Cost of drafts, research, prospects and companies.

use serde_json::json;
use tests::{App, behaviours};

behaviours![
    cost_of_a_shared_call_is_split,
    shared_costs_are_not_counted_twice,
    costs_include_deleted_rows,
    costs_of_a_page_are_read_in_one_statement,
];

async fn cost_of_a_shared_call_is_split(app: App) {
    app.world().await;
    let shared = app.usage("large", 0.9).await;
    let own = app.usage("small", 0.25).await;
    for draft in [1, 2, 3] {
        app.made_draft(draft, shared).await;
    }
    app.made_draft(1, own).await;
    let costs = app
        .data("{ outreachDrafts(first: 4) { nodes { costToDate llmUsageLogs { totalCount } } } }")
        .await;
    let close = |value: &serde_json::Value, expected: f64| {
        (value.as_f64().unwrap() - expected).abs() < 1e-12
    };
    let nodes = &costs["outreachDrafts"]["nodes"];
    assert!(close(&nodes[0]["costToDate"], 0.55) && close(&nodes[1]["costToDate"], 0.3), "{costs}");
    assert!(close(&nodes[2]["costToDate"], 0.3) && close(&nodes[3]["costToDate"], 0.0), "{costs}");
    assert_eq!(nodes[0]["llmUsageLogs"]["totalCount"], 2);
}

async fn shared_costs_are_not_counted_twice(app: App) {
    app.world().await;
    // One call produced a draft and research for one prospect and a draft for another.
    let call = app.usage("large", 0.75).await;
    app.made_draft(3, call).await;
    app.made_research(1, call).await;
    app.made_draft(7, call).await;
    let data = app.data("{ prospects { nodes { costToDate } } companies { nodes { costToDate } } prospectResearch(id: 1) { costToDate } }").await;
    assert_eq!(
        data,
        json!({ "prospects": { "nodes": [{ "costToDate": 0.0 }, { "costToDate": 0.5 }, { "costToDate": 0.0 }, { "costToDate": 0.25 }] },
            "companies": { "nodes": [{ "costToDate": 0.5 }, { "costToDate": 0.25 }] }, "prospectResearch": { "costToDate": 0.25 } })
    );
}

async fn costs_include_deleted_rows(app: App) {
    app.world().await;
    let call = app.usage("large", 0.5).await;
    app.made_draft(1, call).await;
    app.done("mutation { discardOutreachDraft(input: { id: 1 }) { userErrors { code } } }").await;
    app.done("mutation { deleteProspect(input: { id: 1 }) { userErrors { code } } }").await;
    assert_eq!(app.data("{ company(id: 1) { costToDate } }").await["company"]["costToDate"], 0.5);
}

async fn costs_of_a_page_are_read_in_one_statement(app: App) {
    app.world().await;
    for list in ["prospects", "companies", "outreachDrafts", "prospectResearches"] {
        let (_, statements) =
            app.counted(&format!("{{ {list} {{ nodes {{ costToDate }} }} }}")).await;
        assert_eq!(statements, 2, "{list}");
    }
}

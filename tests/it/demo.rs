//! The demo data.

use engine::{Error, progress::Unwatched};
use serde_json::json;
use service::demo;
use tests::{App, behaviours};

behaviours![
    demo_data_is_complete_and_consistent,
    demo_data_is_deterministic,
    demo_data_requires_an_empty_organization,
    primary_keys_continue_after_the_demo_data,
    removing_demo_data_keeps_changed_rows,
    demo_data_is_recognized_without_its_first_rows,
    removal_without_demo_data_is_rejected,
];

async fn seed(app: &App, organization: i64) -> engine::Result<u64> {
    demo::seed(&app.scope(organization), demo::Scale::Small, &Unwatched).await
}

const COUNTS: &str = "{ industries { totalCount } solutions { totalCount } events { totalCount } \
    companies { totalCount } prospects { totalCount } interactions { totalCount } \
    outreachDrafts { totalCount } prospectResearches { totalCount } llmUsageLogs { totalCount } }";

async fn demo_data_is_complete_and_consistent(app: App) {
    seed(&app, app.organization).await.unwrap();
    let counts = app.data(COUNTS).await;
    assert_eq!(counts["companies"]["totalCount"], 200);
    assert_eq!(counts["prospects"]["totalCount"], 2_000);
    for list in counts.as_object().unwrap().values() {
        assert!(list["totalCount"].as_i64().unwrap() >= 12, "{counts}");
    }
    // `lastContactedAt` is the date of the newest outbound interaction, `lastEngagementDate` that of the newest inbound
    // interaction. Every industry has companies.
    let newest = |direction: &str| {
        format!(
            "interactions(first: 1, orderBy: {{ interactionDate: DESC }}, filter: {{ direction: \
             {{ eq: {direction} }} }}) {{ nodes {{ interactionDate }} }}"
        )
    };
    let query = format!(
        "{{ prospects(first: 100) {{ nodes {{ lastContactedAt lastEngagementDate ours: {} theirs: {} }} }} \
         industries {{ nodes {{ companies {{ totalCount }} }} }} }}",
        newest("OUTBOUND"),
        newest("INBOUND")
    );
    let data = app.data(&query).await;
    for prospect in data["prospects"]["nodes"].as_array().unwrap() {
        let newest = |side: &str| prospect[side]["nodes"][0]["interactionDate"].clone();
        assert_eq!(prospect["lastContactedAt"], newest("ours"));
        assert_eq!(prospect["lastEngagementDate"], newest("theirs"));
    }
    for industry in data["industries"]["nodes"].as_array().unwrap() {
        assert!(industry["companies"]["totalCount"].as_i64().unwrap() > 0);
    }
}

async fn demo_data_is_deterministic(app: App) {
    seed(&app, app.organization).await.unwrap();
    let other = app.organization("other").await;
    seed(&app, other).await.unwrap();
    let query = "{ prospects(first: 50, orderBy: [{ email: ASC }]) { nodes { fullName email lastContactedAt \
                 company { name } outreachDrafts { nodes { content status } } } } }";
    let first = app.answer_to(app.organization, query, json!({})).await;
    assert_eq!(first, app.answer_to(other, query, json!({})).await);
}

async fn demo_data_requires_an_empty_organization(app: App) {
    app.industry("Logistics").await;
    let refused = seed(&app, app.organization).await;
    assert!(matches!(refused, Err(Error::Conflict(..))), "{refused:?}");
    assert_eq!(app.data("{ solutions { totalCount } }").await["solutions"]["totalCount"], 0);
}

async fn primary_keys_continue_after_the_demo_data(app: App) {
    seed(&app, app.organization).await.unwrap();
    let industry = app.industry("New").await;
    assert_eq!(industry, 13);
    assert_eq!(app.company("New", industry).await, 201);
}

/// For each table, the number of rows that are removed, that are skipped because they were changed, and that are
/// skipped because they are referenced.
async fn removed(app: &App, commit: bool) -> Vec<(&'static str, u64, u64, u64)> {
    let removals = demo::remove(&app.scope(app.organization), commit, &Unwatched).await.unwrap();
    let told =
        removals.into_iter().map(|one| (one.table, one.removed, one.changed, one.referenced));
    told.collect()
}

const EVERYTHING: &str = "{ industries { totalCount } solutions { totalCount } events { totalCount } \
    companies { totalCount } prospects { totalCount } interactions { totalCount } \
    outreachDrafts { totalCount } prospectResearches { totalCount } llmUsageLogs { totalCount } \
    dailyCostSummaries { totalCount } search(query: \"logistics\") { totalCount } }";

async fn removing_demo_data_keeps_changed_rows(app: App) {
    let rows = seed(&app, app.organization).await.unwrap();
    // A user drafts a message, changes a company, uses an industry and logs an LLM call on a day of the demo data.
    let day = "{ llmUsageLogs(first: 1) { nodes { createdAt } } }";
    assert!(app.data(day).await["llmUsageLogs"]["nodes"][0]["createdAt"].is_string());
    for mutation in [
        r#"createOutreachDraft(input: { prospectId: 7, draftType: "x", content: "c" })"#,
        r#"updateCompany(input: { id: 3, patch: { size: "7" } })"#,
        r#"createCompany(input: { name: "Mine", size: "1", industryId: 1 })"#,
        r#"createProspect(input: { fullName: "Ada", email: "ada@mine.example", companyId: 201 })"#,
        r#"createLlmUsageLog(input: { workflowName: "w", nodeName: "n", model: "own", promptTokens: 1, completionTokens: 1, cost: 1 })"#,
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    let company = app.data("{ prospect(id: 7) { company { id } } }").await;
    assert_ne!(company["prospect"]["company"]["id"], "Company:3");
    let before = app.data(EVERYTHING).await;
    let dry = removed(&app, false).await;
    assert_eq!(app.data(EVERYTHING).await, before, "a dry run should remove nothing");
    assert_eq!(removed(&app, true).await, dry);
    let table = |name: &str| dry.iter().find(|(table, ..)| *table == name).copied().unwrap();
    assert_eq!(table("prospects"), ("prospects", 1_999, 0, 1));
    assert_eq!(table("companies"), ("companies", 198, 1, 1));
    assert_eq!(table("outreach_drafts").2, 0);
    let gone: u64 = dry.iter().map(|(_, removed, ..)| removed).sum();
    // The demo data also includes the links between industries and solutions.
    assert!(gone < rows && gone > rows * 9 / 10, "{gone} of {rows}");
    let data = app
        .data("{ industries { totalCount } companies { nodes { id } } prospects { nodes { id } } outreachDrafts { totalCount } \
               interactions { totalCount } dailyCostSummaries { nodes { model calls costUsd } } solutions { totalCount } }")
        .await;
    assert_eq!(data["outreachDrafts"]["totalCount"], 1);
    assert_eq!(data["interactions"]["totalCount"], 0);
    assert_eq!(data["solutions"]["totalCount"], 0);
    assert_eq!(
        data["prospects"]["nodes"],
        json!([{ "id": "Prospect:7" }, { "id": "Prospect:2001" }])
    );
    assert_eq!(
        data["companies"]["nodes"],
        json!([{ "id": "Company:3" }, company["prospect"]["company"], { "id": "Company:201" }])
    );
    assert_eq!(
        data["dailyCostSummaries"]["nodes"],
        json!([{ "model": "own", "calls": 1, "costUsd": 1.0 }])
    );
    let log = app.data("{ changes(filter: { kind: { eq: DELETED } }) { nodes { entity recordId fields { name before } } } }").await;
    let first = &log["changes"]["nodes"][0];
    assert_eq!(
        (&first["entity"], &first["recordId"]),
        (&json!("LLM_USAGE_LOG"), &json!(null)),
        "{log}"
    );
    // A second run finds no demo data and removes no rows.
    let again = removed(&app, true).await;
    assert!(again.iter().all(|(_, removed, ..)| *removed == 0), "{again:?}");
}

async fn demo_data_is_recognized_without_its_first_rows(app: App) {
    seed(&app, app.organization).await.unwrap();
    for mutation in [
        "deleteSolution(input: { id: 1 })",
        "mergeIndustries(input: { keepId: 2, dropId: 1 })",
        "eraseProspect(input: { id: 1 })",
        "eraseProspect(input: { id: 2 })",
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    app.clock.advance(chrono::TimeDelta::days(30));
    let dry = removed(&app, false).await;
    let table = |name: &str| dry.iter().find(|(table, ..)| *table == name).copied().unwrap();
    // The companies of the merged industry count as changed.
    assert_eq!(table("prospects"), ("prospects", 1_998, 0, 0), "{dry:?}");
    let (_, gone, changed, _) = table("companies");
    assert_eq!((gone + changed, changed > 0), (200, true), "{dry:?}");
    assert_eq!(table("llm_usage_logs").1, 1_000);
}

async fn removal_without_demo_data_is_rejected(app: App) {
    app.world().await;
    let refused = demo::remove(&app.scope(app.organization), true, &Unwatched).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused}");
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 4);
}

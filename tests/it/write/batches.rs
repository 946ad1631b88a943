//! Batch mutations.

use serde_json::json;
use tests::{App, behaviours};

behaviours![
    batch_is_atomic_unless_it_skips_failed_items,
    duplicates_within_a_batch_are_rejected,
    upsert_matches_prospects_by_email,
];

/// Creates an industry and a company for the prospects of these tests; returns the primary key of the company.
pub async fn company(app: &App) -> i64 {
    let industry = app.industry("Logistics").await;
    app.company("Acme", industry).await
}

async fn batch_is_atomic_unless_it_skips_failed_items(app: App) {
    company(&app).await;
    let batch = |on_error: &str| {
        format!(
            r#"mutation {{ createProspects(input: {{ onError: {on_error}, prospects: [
            {{ fullName: "Ada", email: "ada@x.example", companyId: 1 }},
            {{ fullName: "", email: "bob@x.example", companyId: 1 }},
            {{ fullName: "Cleo", email: "cleo@x.example", companyId: "Industry:1" }},
            {{ fullName: "Dan", email: "ADA@x.example", companyId: 1 }},
            {{ fullName: "Eve", email: "eve@x.example", companyId: 1 }}] }}) {{
            prospects {{ fullName }} userErrors {{ code field message index }} }} }}"#
        )
    };
    let wrong = "[2] INVALID companyId: `companyId` must be a Company ID: `Company:` and the primary key, or the key alone";
    assert_eq!(app.refused(&batch("REJECT_ALL")).await, [wrong]);
    // The list itself is null, rather than a list with one null per item.
    let rejected = app.answer(&batch("REJECT_ALL")).await;
    assert_eq!(rejected["data"]["createProspects"]["prospects"], json!(null));
    assert_eq!(
        app.data("{ prospects { totalCount } changes { totalCount } }").await,
        json!({ "prospects": { "totalCount": 0 }, "changes": { "totalCount": 0 } })
    );
    let refused = app.refused(&batch("SKIP_FAILED")).await;
    assert_eq!(
        refused,
        [
            "[1] INVALID fullName: must not be empty",
            wrong,
            "[3] CONFLICT email: there is already a prospect with this email: Prospect:1",
        ]
    );
    let there = app.data("{ prospects { nodes { fullName } } changes { totalCount } }").await;
    assert_eq!(there["prospects"]["nodes"], json!([{ "fullName": "Ada" }, { "fullName": "Eve" }]));
    assert_eq!(there["changes"]["totalCount"], 2);
    let many = vec![r#"{ name: "x" }"#; 101].join(" ");
    let many = format!(
        "mutation {{ createIndustries(input: {{ industries: [{many}] }}) {{ userErrors {{ code field message index }} }} }}"
    );
    assert_eq!(
        app.refused(&many).await,
        ["INVALID industries: a batch must have at most 100 items"]
    );
}

async fn duplicates_within_a_batch_are_rejected(app: App) {
    let batch = r#"mutation { createIndustries(input: { industries: [{ name: "Zoos" }, { name: "zoos" }, { name: " " }] }) {
        industries { name } userErrors { code field message index } } }"#;
    assert_eq!(
        app.refused(batch).await,
        [
            "[1] CONFLICT name: there is already an industry with this name: Industry:1",
            "[2] INVALID name: must not be empty",
        ]
    );
    assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 0);
}

async fn upsert_matches_prospects_by_email(app: App) {
    app.world().await;
    let upsert = r#"mutation { upsertProspects(input: { prospects: [
        { fullName: "Ada King", email: "ADA@acme.example", companyId: 2 },
        { fullName: "Neu", email: "neu@acme.example", companyId: 2 }] }) {
        prospects { id fullName email company { name } location revision } createdCount updatedCount userErrors { code } } }"#;
    let done = app.done(upsert).await;
    assert_eq!((&done["createdCount"], &done["updatedCount"]), (&json!(1), &json!(1)));
    assert_eq!(
        done["prospects"],
        json!([{ "id": "Prospect:1", "fullName": "Ada King", "email": "ADA@acme.example", "company": { "name": "bank & Sons" }, "location": null, "revision": 2 },
            { "id": "Prospect:5", "fullName": "Neu", "email": "neu@acme.example", "company": { "name": "bank & Sons" }, "location": null, "revision": 1 }])
    );
    // Repeating the upsert changes nothing.
    let again = app.done(upsert).await;
    assert_eq!((&again["createdCount"], &again["updatedCount"]), (&json!(0), &json!(2)));
    assert_eq!(again["prospects"][0]["revision"], 2);
}

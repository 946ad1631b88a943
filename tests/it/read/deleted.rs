//! Visibility of deleted rows.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use tests::{App, app::texts, behaviours};

behaviours![
    lists_and_counts_hide_deleted_rows,
    to_one_relation_returns_a_deleted_row,
    children_of_a_deleted_prospect_are_hidden_from_lists,
    relation_filters_ignore_deleted_rows,
];

/// Inserts the small data set and a deleted prospect with related rows of every kind.
async fn with_one_gone(app: &App) -> i64 {
    let [acme, _] = app.world().await;
    let now = app.now();
    let gone = app
        .prospect_with("Gone", acme, |row| {
            row.deleted_at = Set(Some(now));
        })
        .await;
    app.interaction(gone, Some(1), "Gone 0", 1).await;
    app.draft(gone, Some(1), "draft").await;
    app.research(gone, "Gone 0", |_| {}).await;
    gone
}

async fn lists_and_counts_hide_deleted_rows(app: App) {
    with_one_gone(&app).await;
    let data = app
        .data("{ prospects { nodes { fullName } totalCount } company(id: 1) { prospects { nodes { fullName } totalCount } } }")
        .await;
    assert_eq!(texts(&data["prospects"]["nodes"], "fullName"), ["Ada", "bob", "Cleo", "Dan"]);
    assert_eq!(data["prospects"]["totalCount"], 4);
    assert_eq!(data["company"]["prospects"]["totalCount"], 3);
    assert_eq!(texts(&data["company"]["prospects"]["nodes"], "fullName"), ["Ada", "bob", "Cleo"]);
    let asked = "{ prospects(filter: { deletedAt: { isNull: false } }) { totalCount } }";
    assert_eq!(app.data(asked).await["prospects"]["totalCount"], 0);
}

async fn to_one_relation_returns_a_deleted_row(app: App) {
    let gone = with_one_gone(&app).await;
    let query = format!(
        "{{ prospect(id: {gone}) {{ fullName deletedAt interactions {{ nodes {{ prospect {{ fullName \
         deletedAt }} }} }} }} }}"
    );
    let person = json!({ "fullName": "Gone", "deletedAt": "2026-03-01T12:00:00Z" });
    let data = app.data(&query).await;
    assert_eq!(data["prospect"]["deletedAt"], person["deletedAt"]);
    assert_eq!(data["prospect"]["interactions"]["nodes"][0]["prospect"], person);
}

async fn children_of_a_deleted_prospect_are_hidden_from_lists(app: App) {
    with_one_gone(&app).await;
    let data = app
        .data(
            "{ interactions { totalCount nodes { subject } } outreachDrafts { totalCount } \
             prospectResearches { totalCount } event(id: 1) { interactions { totalCount } \
             outreachDrafts { totalCount } } }",
        )
        .await;
    assert_eq!(data["interactions"]["totalCount"], 14);
    assert!(!texts(&data["interactions"]["nodes"], "subject").contains(&"Gone 0".to_owned()));
    assert_eq!(data["outreachDrafts"]["totalCount"], 8);
    assert_eq!(data["prospectResearches"]["totalCount"], 6);
    assert_eq!(data["event"]["interactions"]["totalCount"], 4);
    assert_eq!(data["event"]["outreachDrafts"]["totalCount"], 4);
}

async fn relation_filters_ignore_deleted_rows(app: App) {
    with_one_gone(&app).await;
    let companies = r#"{ companies(filter: { prospects: { some: { fullName: { eq: "Gone" } } } }) { totalCount } }"#;
    assert_eq!(app.data(companies).await["companies"]["totalCount"], 0);
    let events = r#"{ events(filter: { interactions: { some: { subject: { eq: "Gone 0" } } } }) { totalCount } }"#;
    assert_eq!(app.data(events).await["events"]["totalCount"], 0);
}

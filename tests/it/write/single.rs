//! Plain inserts, which require only a single statement.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::{App, Engine, behaviours};

behaviours![
    returned_row_matches_the_stored_row,
    additional_work_executes_more_statements,
    insert_is_rolled_back_if_its_entry_fails,
    cancelled_write_blocks_no_other_writer,
    draft_for_prospect_of_another_organization_is_rejected,
];

const EVERYTHING: &str = "id draftType subject content contentType channel status version variant tone model \
    metadata authorKind authorName createdAt updatedAt revision submittedAt error prospectId eventId";

async fn returned_row_matches_the_stored_row(app: App) {
    app.world().await;
    let made = app
        .done(&format!(
            r#"mutation {{ createOutreachDraft(input: {{ prospectId: 1, eventId: 1, draftType: "initial", subject: "Grüße",
               content: "x \"y\" \\ z", variant: "B", tone: "warm", metadata: {{ b: 1, a: [1, 2.5] }} }}) {{
               outreachDraft {{ {EVERYTHING} }} userErrors {{ message }} }} }}"#
        ))
        .await;
    let id = made["outreachDraft"]["id"].as_str().unwrap().to_owned();
    let read = app.data(&format!(r#"{{ outreachDraft(id: "{id}") {{ {EVERYTHING} }} }}"#)).await;
    assert_eq!(made["outreachDraft"], read["outreachDraft"]);
    let history = app
        .data(&format!(
            r#"{{ outreachDraft(id: "{id}") {{ history {{ nodes {{ kind recordId }} }} }} }}"#
        ))
        .await;
    let entry = &history["outreachDraft"]["history"]["nodes"][0];
    assert_eq!(entry["kind"], "CREATED");
    assert_eq!(entry["recordId"], made["outreachDraft"]["id"]);
}

async fn additional_work_executes_more_statements(app: App) {
    app.world().await;
    let create = |more: &str, asked: &str| {
        format!(
            r#"mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: "x", content: "x"{more} }}) {{
               outreachDraft {{ {asked} }} userErrors {{ message }} }} }}"#
        )
    };
    for (mutation, statements) in [
        (create("", "id status createdAt"), 1),
        (create(", eventId: 1", "id status createdAt"), 1),
        // Selecting fields of related rows requires an additional read.
        (create("", "id prospect { fullName }"), 2),
        // A failed insert, because the event does not exist; then lookups of the prospect and the event for the error.
        (create(", eventId: 77", "id"), 3),
        // The idempotency key, the prospect, the row, the stored response, the change log entry, and the selection.
        (create(r#", idempotencyKey: "k""#, "id"), 6),
    ] {
        assert_eq!(app.counted(&mutation).await.1, statements, "{mutation}");
    }
}

async fn insert_is_rolled_back_if_its_entry_fails(app: App) {
    app.world().await;
    let [make, take] = match app.engine {
        Engine::Sqlite => [
            "CREATE TRIGGER stop BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'stopped'); END",
            "DROP TRIGGER stop",
        ],
        Engine::Postgres => [
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped'; END $$; \
             CREATE TRIGGER stop BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION stop()",
            "DROP TRIGGER stop ON changes",
        ],
    };
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) {
                    outreachDraft { id } userErrors { message } } }"#;
    let count = "{ outreachDrafts { totalCount } }";
    let before = app.data(count).await;
    app.db.execute_unprepared(make).await.unwrap();
    for _ in 0..3 {
        assert_eq!(app.error(create).await, "INTERNAL: internal error");
    }
    app.db.execute_unprepared(take).await.unwrap();
    assert_eq!(app.data(count).await, before);
    app.done(create).await;
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { location: "Rome" } }) { prospect { id } userErrors { message } } }"#)
        .await;
    let number = |answer: &serde_json::Value| answer["outreachDrafts"]["totalCount"].as_i64();
    assert_eq!(number(&app.data(count).await), number(&before).map(|count| count + 1));
}

/// A cancelled write leaves no lock behind.
async fn cancelled_write_blocks_no_other_writer(app: App) {
    app.world().await;
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) {
                    outreachDraft { id } userErrors { message } } }"#;
    app.done(create).await;
    // On Postgres, other tests wait until running write transactions end, so keep this one short.
    let patience = Duration::from_millis(if app.engine == Engine::Sqlite { 100 } else { 10 });
    for round in 0..3 {
        // Another transaction holds the lock, so that the write waits and is then cancelled.
        let other = app.db.begin().await.unwrap();
        let touch = "UPDATE prospects SET location = location WHERE id = 1";
        other.execute_unprepared(touch).await.unwrap();
        let waited = tokio::time::timeout(patience, app.answer(create)).await;
        assert!(waited.is_err(), "the write should wait for the lock");
        other.rollback().await.unwrap();
        let patch = format!("id: 1, patch: {{ location: \"place {round}\" }}");
        app.done(&format!(
            "mutation {{ updateProspect(input: {{ {patch} }}) {{ userErrors {{ message }} }} }}"
        ))
        .await;
        app.done(create).await;
    }
    let data = app.data("{ outreachDrafts { totalCount } prospect(id: 1) { location } }").await;
    assert_eq!(data["prospect"]["location"], "place 2");
    // Every stored draft has a change log entry.
    app.settled().await;
    let made = "{ changes(filter: { entity: { eq: OUTREACH_DRAFT }, kind: { eq: CREATED } }) { aggregate { count } } }";
    let made = app.data(made).await["changes"]["aggregate"]["count"].as_i64().unwrap();
    assert_eq!(data["outreachDrafts"]["totalCount"].as_i64().unwrap() - 8, made);
}

async fn draft_for_prospect_of_another_organization_is_rejected(app: App) {
    app.world().await;
    let other = app.organization("other").await;
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) {
                    outreachDraft { id } userErrors { code field } } }"#;
    let answer = app.answer_to(other, create, serde_json::Value::Null).await;
    let payload = &answer["data"]["createOutreachDraft"];
    assert_eq!(payload["outreachDraft"], serde_json::Value::Null);
    assert_eq!(payload["userErrors"][0]["code"], "NOT_FOUND");
    assert_eq!(payload["userErrors"][0]["field"], "prospectId");
}

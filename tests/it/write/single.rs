//! Plain new rows, which take one statement.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::{App, Engine, behaviours};

behaviours![
    what_is_told_of_a_new_row_is_what_is_stored,
    what_has_more_to_it_than_a_row_takes_more_statements,
    a_new_row_whose_entry_fails_is_not_there,
    who_leaves_in_the_middle_holds_up_nobody,
    a_draft_for_a_prospect_of_others_is_refused,
];

const EVERYTHING: &str = "id draftType subject content contentType channel status version variant tone model \
    metadata authorKind authorName createdAt updatedAt revision submittedAt error prospectId eventId";

async fn what_is_told_of_a_new_row_is_what_is_stored(app: App) {
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

async fn what_has_more_to_it_than_a_row_takes_more_statements(app: App) {
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
        // What is asked of others is read.
        (create("", "id prospect { fullName }"), 2),
        // The one that finds no such event; then the prospect, and the event, which is told.
        (create(", eventId: 77", "id"), 3),
        // The key, the prospect, the row, the answer to the key, the entry; the row.
        (create(r#", idempotencyKey: "k""#, "id"), 6),
    ] {
        assert_eq!(app.counted(&mutation).await.1, statements, "{mutation}");
    }
}

async fn a_new_row_whose_entry_fails_is_not_there(app: App) {
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

/// Whoever leaves in the middle leaves nothing behind that others stumble over.
async fn who_leaves_in_the_middle_holds_up_nobody(app: App) {
    app.world().await;
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) {
                    outreachDraft { id } userErrors { message } } }"#;
    app.done(create).await;
    // On Postgres other tests wait for whoever writes: not for long.
    let patience = Duration::from_millis(if app.engine == Engine::Sqlite { 100 } else { 10 });
    for round in 0..3 {
        // Somebody else writes, so that it waits, and is left.
        let other = app.db.begin().await.unwrap();
        let touch = "UPDATE prospects SET location = location WHERE id = 1";
        other.execute_unprepared(touch).await.unwrap();
        let waited = tokio::time::timeout(patience, app.answer(create)).await;
        assert!(waited.is_err(), "it did not wait");
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
    // Each draft that there is has its entry.
    app.settled().await;
    let made = "{ changes(filter: { entity: { eq: OUTREACH_DRAFT }, kind: { eq: CREATED } }) { aggregate { count } } }";
    let made = app.data(made).await["changes"]["aggregate"]["count"].as_i64().unwrap();
    assert_eq!(data["outreachDrafts"]["totalCount"].as_i64().unwrap() - 8, made);
}

async fn a_draft_for_a_prospect_of_others_is_refused(app: App) {
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

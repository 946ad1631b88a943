//! Idempotency keys.

use chrono::TimeDelta;
use engine::Actor;
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    same_key_and_input_return_the_first_response,
    same_key_with_different_input_is_rejected,
    rejected_request_can_be_corrected_and_retried,
    key_is_scoped_to_actor_and_mutation,
    key_expires_after_a_day,
    repeated_batch_returns_the_same_response,
    concurrent_requests_with_one_key_create_one_row,
    repeated_action_is_performed_once,
];

const CREATE: &str = r#"mutation { createIndustry(input: { name: "Zoos", idempotencyKey: "k" }) { industry { id } userErrors { code field message } } }"#;

async fn same_key_and_input_return_the_first_response(app: App) {
    let first = app.done(CREATE).await;
    let again = r#"mutation { createIndustry(input: { idempotencyKey: "k", name: "Zoos" }) { industry { id } userErrors { code field message } } }"#;
    assert_eq!(app.done(again).await, first);
    assert_eq!(
        app.data("{ industries { totalCount } changes { totalCount } }").await["changes"]["totalCount"],
        1
    );
}

async fn same_key_with_different_input_is_rejected(app: App) {
    app.done(CREATE).await;
    assert_eq!(
        app.refused(&CREATE.replace("Zoos", "Parks")).await,
        [
            "CONFLICT idempotencyKey: this idempotency key was used with another input; use a new key"
        ]
    );
    let bad = CREATE.replace("\"k\"", "\"\"");
    assert_eq!(
        app.refused(&bad).await,
        ["INVALID idempotencyKey: an idempotency key must have 1 to 255 characters and no NUL"]
    );
}

async fn rejected_request_can_be_corrected_and_retried(app: App) {
    assert_eq!(
        app.refused(&CREATE.replace("Zoos", " ")).await,
        ["INVALID name: must not be empty"]
    );
    app.done(CREATE).await;
}

async fn key_is_scoped_to_actor_and_mutation(app: App) {
    app.done(CREATE).await;
    let other = CREATE.replace("Zoos", "Parks");
    app.done_by(Actor::Worker("w".to_owned()), &other).await;
    let usage = r#"mutation { createLlmUsageLog(input: { idempotencyKey: "k", workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0 }) { userErrors { code } } }"#;
    app.done(usage).await;
}

async fn key_expires_after_a_day(app: App) {
    app.done(CREATE).await;
    let parks = CREATE.replace("Zoos", "Parks");
    app.clock.advance(TimeDelta::hours(24));
    assert_eq!(app.refused(&parks).await.len(), 1);
    app.clock.advance(TimeDelta::seconds(1));
    app.done(&parks).await;
    assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 2);
}

async fn repeated_batch_returns_the_same_response(app: App) {
    let batch = r#"mutation { createIndustries(input: { idempotencyKey: "b", onError: SKIP_FAILED, industries: [{ name: "Zoos" }, { name: "" }, { name: "Parks" }] }) {
        industries { id name } userErrors { code field message index } } }"#;
    let first = app.answer(batch).await;
    assert_eq!(
        first["data"]["createIndustries"]["industries"],
        json!([{ "id": "Industry:1", "name": "Zoos" }, null, { "id": "Industry:2", "name": "Parks" }])
    );
    assert_eq!(app.answer(batch).await, first);
}

async fn concurrent_requests_with_one_key_create_one_row(app: App) {
    let answers = futures_util::future::join_all((0..8).map(|_| app.answer(CREATE))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 1);
}

async fn repeated_action_is_performed_once(app: App) {
    app.world().await;
    app.done("mutation { submitOutreachDraft(input: { id: 1 }) { userErrors { code } } }").await;
    app.done("mutation { approveOutreachDraft(input: { id: 1, expectedRevision: 2 }) { userErrors { code } } }").await;
    let mutation = r#"mutation { markOutreachDraftSent(input: { id: 1, idempotencyKey: "s" }) { outreachDraft { status } userErrors { code } } }"#;
    let first = app.done(mutation).await;
    assert_eq!(app.done(mutation).await, first);
    let sent = "{ outreachDraft(id: 1) { interactions { totalCount } } }";
    assert_eq!(app.data(sent).await["outreachDraft"]["interactions"]["totalCount"], 1);
}

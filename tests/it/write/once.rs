//! Requests that are sent again.

use chrono::TimeDelta;
use serde_json::json;
use service::Actor;
use tests::{App, behaviours};

behaviours![
    the_same_key_and_input_give_the_first_answer,
    another_input_with_the_same_key_is_refused,
    a_refused_request_may_be_mended_and_sent_again,
    a_key_belongs_to_its_actor_and_mutation,
    a_key_is_kept_for_a_day,
    a_batch_is_answered_again_as_it_was,
    requests_at_once_with_one_key_make_one_row,
    an_act_is_done_once,
];

const CREATE: &str = r#"mutation { createIndustry(input: { name: "Zoos", idempotencyKey: "k" }) { industry { id } userErrors { code field message } } }"#;

async fn the_same_key_and_input_give_the_first_answer(app: App) {
    let first = app.done(CREATE).await;
    let again = r#"mutation { createIndustry(input: { idempotencyKey: "k", name: "Zoos" }) { industry { id } userErrors { code field message } } }"#;
    assert_eq!(app.done(again).await, first);
    assert_eq!(
        app.data("{ industries { totalCount } changes { totalCount } }").await["changes"]["totalCount"],
        1
    );
}

async fn another_input_with_the_same_key_is_refused(app: App) {
    app.done(CREATE).await;
    assert_eq!(
        app.refused(&CREATE.replace("Zoos", "Parks")).await,
        ["CONFLICT idempotencyKey: this key was used with another input; take a new one"]
    );
    let bad = CREATE.replace("\"k\"", "\"\"");
    assert_eq!(
        app.refused(&bad).await,
        ["INVALID idempotencyKey: a key has from 1 to 255 characters, and no NUL"]
    );
}

async fn a_refused_request_may_be_mended_and_sent_again(app: App) {
    assert_eq!(
        app.refused(&CREATE.replace("Zoos", " ")).await,
        ["INVALID name: it can't be empty"]
    );
    app.done(CREATE).await;
}

async fn a_key_belongs_to_its_actor_and_mutation(app: App) {
    app.done(CREATE).await;
    let other = CREATE.replace("Zoos", "Parks");
    app.done_by(Actor::Worker("w".to_owned()), &other).await;
    let usage = r#"mutation { createLlmUsageLog(input: { idempotencyKey: "k", workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0 }) { userErrors { code } } }"#;
    app.done(usage).await;
}

async fn a_key_is_kept_for_a_day(app: App) {
    app.done(CREATE).await;
    let parks = CREATE.replace("Zoos", "Parks");
    app.clock.advance(TimeDelta::hours(24));
    assert_eq!(app.refused(&parks).await.len(), 1);
    app.clock.advance(TimeDelta::seconds(1));
    app.done(&parks).await;
    assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 2);
}

async fn a_batch_is_answered_again_as_it_was(app: App) {
    let batch = r#"mutation { createIndustries(input: { idempotencyKey: "b", onError: SKIP_FAILED, industries: [{ name: "Zoos" }, { name: "" }, { name: "Parks" }] }) {
        industries { id name } userErrors { code field message index } } }"#;
    let first = app.answer(batch).await;
    assert_eq!(
        first["data"]["createIndustries"]["industries"],
        json!([{ "id": "Industry:1", "name": "Zoos" }, null, { "id": "Industry:2", "name": "Parks" }])
    );
    assert_eq!(app.answer(batch).await, first);
}

async fn requests_at_once_with_one_key_make_one_row(app: App) {
    let answers = futures_util::future::join_all((0..8).map(|_| app.answer(CREATE))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(app.data("{ industries { totalCount } }").await["industries"]["totalCount"], 1);
}

async fn an_act_is_done_once(app: App) {
    app.world().await;
    app.done("mutation { submitOutreachDraft(input: { id: 1 }) { userErrors { code } } }").await;
    app.done("mutation { approveOutreachDraft(input: { id: 1, expectedRevision: 2 }) { userErrors { code } } }").await;
    let mutation = r#"mutation { markOutreachDraftSent(input: { id: 1, idempotencyKey: "s" }) { outreachDraft { status } userErrors { code } } }"#;
    let first = app.done(mutation).await;
    assert_eq!(app.done(mutation).await, first);
    let sent = "{ outreachDraft(id: 1) { interactions { totalCount } } }";
    assert_eq!(app.data(sent).await["outreachDraft"]["interactions"]["totalCount"], 1);
}

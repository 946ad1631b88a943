//! Claims of drafts by senders: each draft is leased to one sender and sent at most once.

use std::sync::Arc;

use chrono::TimeDelta;
use engine::{Actor, Clock};
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::drafts::person;

behaviours![
    concurrent_senders_claim_disjoint_drafts,
    claim_that_expires_before_sending_releases_the_draft,
    claim_that_expires_while_sending_leaves_the_draft_uncertain,
    only_sendable_drafts_are_claimed,
    claim_excludes_other_actors,
    approval_is_bound_to_the_email_address,
    claim_requires_valid_limits_and_a_named_actor,
];

fn sender(name: &str) -> Actor {
    Actor::Worker(name.to_owned())
}

async fn world(app: &App, drafts: usize) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    for number in 1..=drafts {
        app.prospect(&format!("P{number}"), acme).await;
        app.draft(i64::try_from(number).unwrap(), None, "approved").await;
    }
}

/// Claims drafts; returns their IDs.
async fn claim(app: &App, by: &str, limit: u32, lease: u32) -> Vec<String> {
    let mutation = format!(
        "mutation {{ claimOutreachDrafts(input: {{ limit: {limit}, leaseSeconds: {lease} }}) {{ outreachDrafts {{ id claimedBy }} userErrors {{ message }} }} }}"
    );
    let claimed = app.done_by(sender(by), &mutation).await;
    let drafts = claimed["outreachDrafts"].as_array().unwrap();
    assert!(drafts.iter().all(|draft| draft["claimedBy"] == format!("worker/{by}")));
    drafts.iter().map(|draft| draft["id"].as_str().unwrap().to_owned()).collect()
}

/// Performs an action on draft 1; returns the status of the draft or the error message.
async fn act(app: &App, by: Actor, act: &str, more: &str) -> Value {
    let mutation = format!(
        "mutation {{ m: {act}(input: {{ id: 1{more} }}) {{ outreachDraft {{ status claimedBy }} userErrors {{ message }} }} }}"
    );
    let answer = app.answer_by(by, &mutation).await;
    let payload = &answer["data"]["m"];
    if payload["outreachDraft"].is_null() {
        payload["userErrors"][0]["message"].clone()
    } else {
        payload["outreachDraft"]["status"].clone()
    }
}

fn later(app: &App, seconds: i64) {
    app.clock.advance(TimeDelta::seconds(seconds));
}

async fn concurrent_senders_claim_disjoint_drafts(app: App) {
    world(&app, 30).await;
    let app = Arc::new(app);
    let claims = (0..6).map(|number| {
        let app = Arc::clone(&app);
        async move { claim(&app, &format!("s{number}"), 7, 60).await }
    });
    let mut all: Vec<String> =
        futures_util::future::join_all(claims).await.into_iter().flatten().collect();
    let claimed = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), claimed, "a draft was claimed twice");
    // Claims skip locked drafts, so a final claim takes any drafts that remain.
    all.extend(claim(&app, "last", 100, 60).await);
    assert_eq!(all.len(), 30);
    assert!(claim(&app, "late", 100, 60).await.is_empty());
}

async fn claim_that_expires_before_sending_releases_the_draft(app: App) {
    world(&app, 1).await;
    assert_eq!(claim(&app, "a", 10, 60).await, ["OutreachDraft:1"]);
    assert!(claim(&app, "b", 10, 60).await.is_empty());
    later(&app, 61);
    assert_eq!(claim(&app, "b", 10, 60).await, ["OutreachDraft:1"]);
    let message = act(&app, sender("a"), "beginSendingOutreachDraft", "").await;
    assert!(
        message.as_str().unwrap().starts_with("the draft is claimed by worker/b until"),
        "{message}"
    );
    assert_eq!(act(&app, sender("b"), "releaseOutreachDraft", "").await, "APPROVED");
    assert_eq!(claim(&app, "a", 10, 60).await, ["OutreachDraft:1"]);
    assert_eq!(act(&app, sender("a"), "beginSendingOutreachDraft", "").await, "SENDING");
    assert_eq!(act(&app, sender("a"), "markOutreachDraftSent", "").await, "SENT");
    let draft = app
        .data("{ outreachDraft(id: 1) { claimedBy claimExpiresAt interactions { totalCount } } }")
        .await;
    assert_eq!(
        draft["outreachDraft"],
        json!({ "claimedBy": null, "claimExpiresAt": null, "interactions": { "totalCount": 1 } })
    );
}

async fn claim_that_expires_while_sending_leaves_the_draft_uncertain(app: App) {
    world(&app, 3).await;
    claim(&app, "a", 10, 60).await;
    assert_eq!(act(&app, sender("a"), "beginSendingOutreachDraft", "").await, "SENDING");
    let message = act(&app, sender("a"), "releaseOutreachDraft", "").await;
    assert!(message.as_str().unwrap().contains("the draft is being sent"), "{message}");
    later(&app, 61);
    service::outreach::claim::expire(&app.store, Arc::clone(&app.clock) as Arc<dyn Clock>)
        .await
        .unwrap();
    let states = app.data("{ outreachDrafts { nodes { status } } }").await;
    assert_eq!(
        states["outreachDrafts"]["nodes"],
        json!([{ "status": "UNCERTAIN" }, { "status": "APPROVED" }, { "status": "APPROVED" }])
    );
    assert_eq!(claim(&app, "b", 10, 60).await, ["OutreachDraft:2", "OutreachDraft:3"]);
    // A worker may not resolve an uncertain outcome, unless it provides evidence of delivery.
    for (mutation, more) in
        [("markOutreachDraftSent", ""), ("markOutreachDraftFailed", r#", error: "x""#)]
    {
        let message = act(&app, sender("a"), mutation, more).await;
        assert!(
            message.as_str().unwrap().contains("the outcome of sending is unknown"),
            "{message}"
        );
    }
    let can = "{ outreachDraft(id: 1) { availableActions } }";
    let person_can = app.answer_by(person(), can).await;
    assert_eq!(
        person_can["data"]["outreachDraft"]["availableActions"],
        json!(["MARK_SENT", "MARK_FAILED"])
    );
    let evidence = r#", providerMessageId: "m-1""#;
    assert_eq!(act(&app, sender("a"), "markOutreachDraftSent", evidence).await, "SENT");
    // The claim expires even if the expiry job does not run.
    claim(&app, "c", 10, 60).await;
    later(&app, 61);
    claim(&app, "c", 10, 60).await;
    let begin = "mutation { m: beginSendingOutreachDraft(input: { id: 2 }) { outreachDraft { status } userErrors { message } } }";
    app.done_by(sender("c"), begin).await;
    later(&app, 61);
    let fail = r#"mutation { m: markOutreachDraftFailed(input: { id: 2, error: "no" }) { outreachDraft { status } userErrors { message } } }"#;
    let refused = app.answer_by(sender("c"), fail).await;
    assert!(refused["data"]["m"]["outreachDraft"].is_null(), "{refused}");
    let failed = app.done_by(person(), fail).await;
    assert_eq!(failed["outreachDraft"]["status"], "FAILED");
}

async fn only_sendable_drafts_are_claimed(app: App) {
    world(&app, 6).await;
    for mutation in [
        "unsubscribeProspect(input: { id: 1 })",
        "deleteProspect(input: { id: 2 })",
        r#"scheduleOutreachDraft(input: { id: 3, scheduledFor: "2026-03-01T12:00:30Z" })"#,
        r#"scheduleOutreachDraft(input: { id: 4, scheduledFor: "2027-01-01T00:00:00Z" })"#,
        "discardOutreachDraft(input: { id: 5 })",
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    app.draft(6, None, "pending_review").await;
    assert_eq!(claim(&app, "a", 10, 10).await, ["OutreachDraft:6"]);
    later(&app, 31);
    assert_eq!(claim(&app, "a", 10, 10).await, ["OutreachDraft:6", "OutreachDraft:3"]);
}

async fn claim_excludes_other_actors(app: App) {
    world(&app, 1).await;
    claim(&app, "a", 10, 60).await;
    for (mutation, more) in [
        ("markOutreachDraftSent", ""),
        ("discardOutreachDraft", ""),
        ("updateOutreachDraft", r#", patch: { content: "other" }"#),
        ("scheduleOutreachDraft", r#", scheduledFor: "2027-01-01T00:00:00Z""#),
    ] {
        let message = act(&app, person(), mutation, more).await;
        assert!(
            message.as_str().unwrap().contains("is claimed by worker/a"),
            "{mutation}: {message}"
        );
    }
    let can = "{ outreachDraft(id: 1) { availableActions } }";
    let theirs = app.answer_by(person(), can).await;
    assert_eq!(theirs["data"]["outreachDraft"]["availableActions"], json!([]));
    let own = app.answer_by(sender("a"), can).await;
    let own = own["data"]["outreachDraft"]["availableActions"].to_string();
    assert!(own.contains("BEGIN_SENDING") && own.contains("MARK_SENT"), "{own}");
    later(&app, 61);
    // Without a claim, any actor can mark the draft as sent.
    assert_eq!(act(&app, person(), "markOutreachDraftSent", "").await, "SENT");
}

async fn approval_is_bound_to_the_email_address(app: App) {
    world(&app, 1).await;
    app.draft(1, None, "pending_review").await;
    let approve = "mutation { approveOutreachDraft(input: { id: 2, expectedRevision: 1 }) { userErrors { message } } }";
    app.done(approve).await;
    // The same e-mail address with different capitalization.
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { email: "P1@ACME.example" } }) { userErrors { message } } }"#).await;
    assert_eq!(claim(&app, "a", 10, 60).await.len(), 2);
    later(&app, 61);
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { email: "other@acme.example" } }) { userErrors { message } } }"#).await;
    assert_eq!(
        claim(&app, "a", 10, 60).await,
        ["OutreachDraft:1"],
        "draft 1 has no recorded approval address"
    );
    let send = "mutation { m: markOutreachDraftSent(input: { id: 2 }) { outreachDraft { id } userErrors { code message } } }";
    let refused = app.answer_by(person(), send).await;
    assert_eq!(
        refused["data"]["m"]["userErrors"],
        json!([{ "code": "CONFLICT", "message": "the draft was approved for another e-mail address of the prospect: edit it and have it approved again" }])
    );
}

async fn claim_requires_valid_limits_and_a_named_actor(app: App) {
    world(&app, 1).await;
    for (input, message) in [
        ("limit: 0", "INVALID limit: the value must be from 1 to 100"),
        ("limit: 101", "INVALID limit: the value must be from 1 to 100"),
        ("leaseSeconds: 3601", "INVALID leaseSeconds: the value must be from 1 to 3600"),
        (
            "limit: 1",
            "CONFLICT : a claim needs a named actor: send `Salesgraph-Actor: worker/NAME`, or an API key",
        ),
    ] {
        let mutation = format!(
            "mutation {{ claimOutreachDrafts(input: {{ {input} }}) {{ outreachDrafts {{ id }} userErrors {{ code field message }} }} }}"
        );
        let told = app.refused(&mutation).await;
        assert!(
            told[0].replace("null", "").starts_with(message.split(':').next().unwrap()),
            "{told:?}"
        );
        assert!(told[0].contains(message.split(": ").nth(1).unwrap()), "{told:?}");
    }
}

//! Approval of drafts, and drafts to unsubscribed prospects.

use engine::Actor;
use serde_json::json;
use tests::{App, behaviours};

use super::drafts::{act, approved, person, refused, worker, written};

behaviours![drafts_for_unsubscribed_prospects_are_blocked, only_a_named_person_can_approve,];

async fn drafts_for_unsubscribed_prospects_are_blocked(app: App) {
    approved(&app).await;
    app.done("mutation { unsubscribeProspect(input: { id: 1 }) { userErrors { code } } }").await;
    assert_eq!(
        refused(&app, "markOutreachDraftSent", "").await,
        ["CONFLICT id: the prospect is unsubscribed (unsubscribedAt)"]
    );
    let can = app
        .data("{ outreachDraft(id: 1) { availableActions status } interactions { totalCount } }")
        .await;
    assert_eq!(
        can["outreachDraft"],
        json!({ "availableActions": ["EDIT", "MARK_FAILED", "DISCARD"], "status": "APPROVED" })
    );
    assert_eq!(can["interactions"]["totalCount"], 0);
    // Drafts in other statuses cannot advance either.
    for (status, act, more) in [
        ("draft", "submit", ""),
        ("pending_review", "approve", ", expectedRevision: 1"),
        ("approved", "schedule", r#", scheduledFor: "2027-01-01T00:00:00Z""#),
        ("failed", "retry", ""),
    ] {
        let id = app.draft(1, None, status).await;
        let run = format!(
            "mutation {{ m: {act}OutreachDraft(input: {{ id: {id}{more} }}) {{ userErrors {{ code message }} }} }}"
        );
        let answer = app.answer_by(person(), &run).await;
        assert_eq!(
            answer["data"]["m"]["userErrors"],
            json!([{ "code": "CONFLICT", "message": "the prospect is unsubscribed (unsubscribedAt)" }]),
            "{act}"
        );
    }
    app.done("mutation { resubscribeProspect(input: { id: 1 }) { userErrors { code } } }").await;
    app.done("mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }").await;
}

async fn only_a_named_person_can_approve(app: App) {
    written(&app).await;
    act(&app, "submit", "1", "").await;
    let approve = "mutation { approveOutreachDraft(input: { id: 1, expectedRevision: 2 }) { outreachDraft { status approvedAt approverKind approverName authorKind authorName } userErrors { code } } }";
    for worker in [worker(), Actor::Worker("another".to_owned())] {
        let answer = app.answer_by(worker, approve).await;
        assert_eq!(answer["data"]["approveOutreachDraft"]["outreachDraft"], json!(null));
        assert_eq!(
            answer["data"]["approveOutreachDraft"]["userErrors"],
            json!([{ "code": "CONFLICT" }])
        );
    }
    let actions = "{ outreachDraft(id: 1) { availableActions } }";
    let can = app.answer_by(worker(), actions).await;
    assert_eq!(
        can["data"]["outreachDraft"]["availableActions"],
        json!(["EDIT", "REJECT", "DISCARD"])
    );
    let can = app.answer_by(person(), actions).await;
    assert_eq!(
        can["data"]["outreachDraft"]["availableActions"],
        json!(["EDIT", "APPROVE", "REJECT", "DISCARD"])
    );
    // An approval requires a named person as the actor.
    let nameless = approve.replace("{ code }", "{ code field message }");
    assert_eq!(
        app.refused(&nameless).await,
        [
            "CONFLICT id: an approval requires a named person: send `Salesgraph-Actor: person/NAME`, or use a person's API key"
        ]
    );
    let can = app.data(actions).await;
    assert_eq!(can["outreachDraft"]["availableActions"], json!(["EDIT", "REJECT", "DISCARD"]));
    let done = app.done_by(person(), approve).await;
    assert_eq!(
        done["outreachDraft"],
        json!({ "status": "APPROVED", "approvedAt": "2026-03-01T12:00:00Z", "approverKind": "PERSON", "approverName": "Grace",
            "authorKind": "WORKER", "authorName": "writer" })
    );
}

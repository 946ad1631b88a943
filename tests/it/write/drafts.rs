//! The draft state machine.

use engine::Actor;
use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    draft_passes_through_all_states,
    rejects_unlisted_action_and_names_allowed_ones,
    approval_requires_the_current_revision,
    editing_an_approved_draft_creates_a_new_version,
    editing_a_scheduled_draft_creates_a_new_version,
    editing_a_rejected_draft_reopens_it,
    sent_draft_cannot_be_edited,
    sending_is_recorded_once,
    failed_draft_can_be_retried,
    scheduled_time_must_be_in_the_future,
    only_unsent_drafts_can_be_discarded,
    available_actions_are_exactly_those_that_succeed,
    approved_draft_cannot_be_deleted,
    concurrent_sends_send_once,
    records_reply_without_content,
];

pub(super) fn worker() -> Actor {
    Actor::Worker("writer".to_owned())
}

pub(super) fn person() -> Actor {
    Actor::Person("Grace".to_owned())
}

/// Performs an action on a draft and returns the draft.
pub(super) async fn act(app: &App, act: &str, id: &str, more: &str) -> Value {
    let mutation = format!(
        "mutation {{ {act}OutreachDraft(input: {{ id: \"{id}\"{more} }}) {{ outreachDraft {{ id status revision }} userErrors {{ code field message }} }} }}"
    );
    let actor = if act == "approve" { person() } else { Actor::LocalUser };
    app.done_by(actor, &mutation).await["outreachDraft"].clone()
}

pub(super) async fn refused(app: &App, act: &str, more: &str) -> Vec<String> {
    let mutation = format!(
        "mutation {{ {act}(input: {{ id: 1{more} }}) {{ userErrors {{ code field message }} }} }}"
    );
    app.refused(&mutation).await
}

/// Creates a prospect with a draft written by a worker.
pub(super) async fn written(app: &App) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "initial", subject: "Hello", content: "Dear Ada,", model: "small" }) {
        outreachDraft { id } userErrors { code } } }"#;
    app.done_by(worker(), create).await;
}

pub(super) async fn approved(app: &App) {
    written(app).await;
    act(app, "submit", "1", "").await;
    act(app, "approve", "1", ", expectedRevision: 2").await;
}

async fn draft_passes_through_all_states(app: App) {
    written(&app).await;
    assert_eq!(act(&app, "submit", "1", "").await["status"], "PENDING_REVIEW");
    assert_eq!(act(&app, "reject", "1", ", note: \"Too long\"").await["status"], "REJECTED");
    assert_eq!(act(&app, "reopen", "1", "").await["status"], "DRAFT");
    assert_eq!(act(&app, "submit", "1", "").await["status"], "PENDING_REVIEW");
    assert_eq!(act(&app, "approve", "1", ", expectedRevision: 5").await["status"], "APPROVED");
    assert_eq!(
        act(&app, "schedule", "1", ", scheduledFor: \"2026-03-02T09:00:00+01:00\"").await["status"],
        "SCHEDULED"
    );
    assert_eq!(act(&app, "unschedule", "1", "").await["status"], "APPROVED");
    let sent = app.done(r#"mutation { markOutreachDraftSent(input: { id: 1, providerMessageId: "m1" }) { outreachDraft { status sentAt providerMessageId } userErrors { code } } }"#).await;
    assert_eq!(
        sent["outreachDraft"],
        json!({ "status": "SENT", "sentAt": "2026-03-01T12:00:00Z", "providerMessageId": "m1" })
    );
    let replied = app.done(r#"mutation { markOutreachDraftReplied(input: { id: 1, content: "Tell me more" }) { outreachDraft { status prospect { lifecycleStage lastEngagementDate } } userErrors { code } } }"#).await;
    assert_eq!(
        replied["outreachDraft"],
        json!({ "status": "REPLIED", "prospect": { "lifecycleStage": "ENGAGED", "lastEngagementDate": "2026-03-01T12:00:00Z" } })
    );
    let told = app
        .data("{ interactions { nodes { direction content subject channel outreachDraftId } } }")
        .await;
    assert_eq!(
        told["interactions"]["nodes"],
        json!([{ "direction": "OUTBOUND", "content": "Dear Ada,", "subject": "Hello", "channel": "EMAIL", "outreachDraftId": "OutreachDraft:1" },
            { "direction": "INBOUND", "content": "Tell me more", "subject": "Hello", "channel": "EMAIL", "outreachDraftId": "OutreachDraft:1" }])
    );
}

async fn rejects_unlisted_action_and_names_allowed_ones(app: App) {
    written(&app).await;
    assert_eq!(
        refused(&app, "approveOutreachDraft", ", expectedRevision: 1").await,
        [
            "CONFLICT id: cannot APPROVE a draft in status DRAFT; allowed actions: EDIT, SUBMIT, DISCARD"
        ]
    );
    act(&app, "discard", "1", "").await;
    assert_eq!(
        refused(&app, "submitOutreachDraft", "").await,
        ["CONFLICT id: cannot SUBMIT a draft in status DISCARDED; allowed actions: none"]
    );
}

async fn approval_requires_the_current_revision(app: App) {
    written(&app).await;
    act(&app, "submit", "1", "").await;
    app.done(r#"mutation { updateOutreachDraft(input: { id: 1, patch: { content: "Dear Ada, buy!" } }) { userErrors { code } } }"#).await;
    assert_eq!(
        refused(&app, "approveOutreachDraft", ", expectedRevision: 2").await,
        [
            "CONFLICT expectedRevision: the record was modified concurrently (current revision 3); reload and retry"
        ]
    );
    act(&app, "approve", "1", ", expectedRevision: 3").await;
    assert!(
        app.answer("mutation { approveOutreachDraft(input: { id: 1 }) { userErrors { code } } }")
            .await["errors"]
            .is_array()
    );
}

async fn editing_an_approved_draft_creates_a_new_version(app: App) {
    approved(&app).await;
    let edit = r#"mutation { updateOutreachDraft(input: { id: 1, expectedRevision: 3, patch: { content: "Dear Countess," } }) {
        outreachDraft { id version status content subject model approvedAt approverKind authorKind parentDraft { id status content approvedAt newerVersions { nodes { id } } } } userErrors { code field message } } }"#;
    let done = app.done_by(person(), edit).await;
    assert_eq!(
        done["outreachDraft"],
        json!({ "id": "OutreachDraft:2", "version": 2, "status": "DRAFT", "content": "Dear Countess,", "subject": "Hello", "model": "small",
            "approvedAt": null, "approverKind": null, "authorKind": "PERSON",
            "parentDraft": { "id": "OutreachDraft:1", "status": "SUPERSEDED", "content": "Dear Ada,", "approvedAt": "2026-03-01T12:00:00Z",
                "newerVersions": { "nodes": [{ "id": "OutreachDraft:2" }] } } })
    );
    assert_eq!(
        refused(&app, "updateOutreachDraft", r#", patch: { content: "x" }"#).await,
        ["CONFLICT id: cannot EDIT a draft in status SUPERSEDED; allowed actions: none"]
    );
}

async fn editing_a_scheduled_draft_creates_a_new_version(app: App) {
    approved(&app).await;
    act(&app, "schedule", "1", ", scheduledFor: \"2026-03-02T09:00:00Z\"").await;
    app.done(r#"mutation { updateOutreachDraft(input: { id: 1, patch: { subject: "Hi" } }) { userErrors { code } } }"#).await;
    let all =
        app.data("{ outreachDrafts { nodes { id status subject scheduledFor version } } }").await;
    assert_eq!(
        all["outreachDrafts"]["nodes"],
        json!([{ "id": "OutreachDraft:1", "status": "SUPERSEDED", "subject": "Hello", "scheduledFor": "2026-03-02T09:00:00Z", "version": 1 },
            { "id": "OutreachDraft:2", "status": "DRAFT", "subject": "Hi", "scheduledFor": null, "version": 2 }])
    );
}

async fn editing_a_rejected_draft_reopens_it(app: App) {
    written(&app).await;
    act(&app, "submit", "1", "").await;
    act(&app, "reject", "1", "").await;
    let edit = r#"mutation { updateOutreachDraft(input: { id: 1, patch: { content: "Better" } }) { outreachDraft { id status version } userErrors { code } } }"#;
    let done = app.done(edit).await;
    assert_eq!(
        done["outreachDraft"],
        json!({ "id": "OutreachDraft:1", "status": "DRAFT", "version": 1 })
    );
}

async fn sent_draft_cannot_be_edited(app: App) {
    approved(&app).await;
    app.done("mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }").await;
    assert_eq!(
        refused(&app, "updateOutreachDraft", r#", patch: { content: "x" }"#).await,
        [
            "CONFLICT id: cannot EDIT a draft in status SENT; allowed actions: MARK_REPLIED, MARK_BOUNCED"
        ]
    );
}

async fn sending_is_recorded_once(app: App) {
    approved(&app).await;
    assert_eq!(
        refused(&app, "markOutreachDraftSent", r#", sentAt: "2026-03-01T12:05:01Z""#).await,
        ["INVALID sentAt: the timestamp must not be in the future"]
    );
    app.done(r#"mutation { markOutreachDraftSent(input: { id: 1, sentAt: "2026-03-01T11:00:00Z" }) { userErrors { code } } }"#).await;
    let data = app.data("{ outreachDraft(id: 1) { history(last: 2) { nodes { fields { name before after } } } interactions { nodes { interactionDate } } \
        prospect { lastContactedAt lifecycleStage } } }").await;
    let draft = &data["outreachDraft"];
    assert_eq!(
        draft["interactions"]["nodes"],
        json!([{ "interactionDate": "2026-03-01T11:00:00Z" }])
    );
    assert_eq!(
        draft["prospect"],
        json!({ "lastContactedAt": "2026-03-01T11:00:00Z", "lifecycleStage": "CONTACTED" })
    );
    let status = |from: &str, to: &str| json!({ "name": "status", "before": from, "after": to });
    assert_eq!(draft["history"]["nodes"][0]["fields"], json!([status("APPROVED", "SENDING")]));
    assert!(
        draft["history"]["nodes"][1]["fields"]
            .as_array()
            .unwrap()
            .contains(&status("SENDING", "SENT"))
    );
}

async fn failed_draft_can_be_retried(app: App) {
    approved(&app).await;
    let failed = app.done(r#"mutation { markOutreachDraftFailed(input: { id: 1, error: "mailbox full" }) { outreachDraft { status error } userErrors { code } } }"#).await;
    assert_eq!(failed["outreachDraft"], json!({ "status": "FAILED", "error": "mailbox full" }));
    assert_eq!(act(&app, "retry", "1", "").await["status"], "APPROVED");
    app.done("mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }").await;
    let bounced = app.done(r#"mutation { markOutreachDraftBounced(input: { id: 1, error: "no such address" }) { outreachDraft { status error } userErrors { code } } }"#).await;
    assert_eq!(
        bounced["outreachDraft"],
        json!({ "status": "BOUNCED", "error": "no such address" })
    );
}

async fn scheduled_time_must_be_in_the_future(app: App) {
    approved(&app).await;
    assert_eq!(
        refused(&app, "scheduleOutreachDraft", r#", scheduledFor: "2026-03-01T12:00:00Z""#).await,
        ["INVALID scheduledFor: `scheduledFor` must be in the future"]
    );
}

async fn only_unsent_drafts_can_be_discarded(app: App) {
    app.world().await;
    for status in [
        "draft",
        "pending_review",
        "approved",
        "rejected",
        "scheduled",
        "sending",
        "sent",
        "failed",
        "replied",
        "bounced",
        "superseded",
        "discarded",
    ] {
        let id = app.draft(1, None, status).await;
        let discard = format!(
            "mutation {{ discardOutreachDraft(input: {{ id: {id} }}) {{ outreachDraft {{ status }} userErrors {{ code }} }} }}"
        );
        let answer = app.answer(&discard).await["data"]["discardOutreachDraft"].take();
        let can =
            matches!(status, "draft" | "pending_review" | "approved" | "rejected" | "scheduled");
        assert_eq!(answer["outreachDraft"]["status"] == "DISCARDED", can, "{status}");
    }
}

/// Performs every action in every status; exactly the available actions succeed.
async fn available_actions_are_exactly_those_that_succeed(app: App) {
    app.world().await;
    let acts = [
        ("EDIT", "updateOutreachDraft", r#", patch: { content: "other" }"#),
        ("SUBMIT", "submitOutreachDraft", ""),
        ("APPROVE", "approveOutreachDraft", ", expectedRevision: 1"),
        ("REJECT", "rejectOutreachDraft", ""),
        ("REOPEN", "reopenOutreachDraft", ""),
        ("SCHEDULE", "scheduleOutreachDraft", r#", scheduledFor: "2027-01-01T00:00:00Z""#),
        ("UNSCHEDULE", "unscheduleOutreachDraft", ""),
        ("BEGIN_SENDING", "beginSendingOutreachDraft", ""),
        ("MARK_SENT", "markOutreachDraftSent", ""),
        ("MARK_FAILED", "markOutreachDraftFailed", r#", error: "x""#),
        ("RETRY", "retryOutreachDraft", ""),
        ("MARK_REPLIED", "markOutreachDraftReplied", ""),
        ("MARK_BOUNCED", "markOutreachDraftBounced", ""),
        ("DISCARD", "discardOutreachDraft", ""),
    ];
    let mut done = 0;
    for word in service::outreach::outreach_draft::STATUSES {
        for (action, mutation, more) in acts {
            let id = app.draft(1, None, word.name).await;
            let told = app
                .answer_by(
                    person(),
                    &format!("{{ outreachDraft(id: {id}) {{ availableActions }} }}"),
                )
                .await;
            let can = told["data"]["outreachDraft"]["availableActions"]
                .as_array()
                .unwrap()
                .contains(&json!(action));
            let run = format!(
                "mutation {{ m: {mutation}(input: {{ id: {id}{more} }}) {{ userErrors {{ code message }} }} }}"
            );
            let answer = app.answer_by(person(), &run).await;
            let errors = answer["data"]["m"]["userErrors"].as_array().unwrap();
            assert_eq!(errors.is_empty(), can, "{} {action}: {answer}", word.name);
            done += u32::from(can);
        }
    }
    assert_eq!(done, 28, "expected 22 transitions and 6 edits");
}

async fn approved_draft_cannot_be_deleted(app: App) {
    approved(&app).await;
    assert_eq!(
        refused(&app, "deleteOutreachDraft", "").await,
        ["CONFLICT id: a draft in status APPROVED can't be deleted; discard it before it is sent"]
    );
    act(&app, "discard", "1", "").await;
    app.done(
        "mutation { deleteOutreachDraft(input: { id: 1 }) { deletedId userErrors { code } } }",
    )
    .await;
    assert_eq!(
        app.data("{ outreachDrafts { totalCount } }").await["outreachDrafts"]["totalCount"],
        0
    );
}

async fn concurrent_sends_send_once(app: App) {
    approved(&app).await;
    let mutation = "mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }";
    let answers = futures_util::future::join_all((0..6).map(|_| app.answer(mutation))).await;
    let sent = answers
        .iter()
        .filter(|one| one["data"]["markOutreachDraftSent"]["userErrors"] == json!([]));
    assert_eq!(sent.count(), 1, "{answers:?}");
    assert_eq!(app.data("{ interactions { totalCount } }").await["interactions"]["totalCount"], 1);
}

async fn records_reply_without_content(app: App) {
    approved(&app).await;
    app.done("mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }").await;
    let early = r#", repliedAt: "2026-03-01T11:59:59Z""#;
    assert_eq!(
        refused(&app, "markOutreachDraftReplied", early).await,
        ["INVALID repliedAt: the timestamp must not be before the draft was sent"]
    );
    app.clock.advance(chrono::TimeDelta::hours(2));
    let replied = r#"mutation { markOutreachDraftReplied(input: { id: 1, repliedAt: "2026-03-01T13:00:00Z" }) {
        userErrors { code } outreachDraft { prospect { lastEngagementDate lifecycleStage } interactions { totalCount } } } }"#;
    let done = app.done(replied).await;
    assert_eq!(
        done["outreachDraft"],
        json!({ "prospect": { "lastEngagementDate": "2026-03-01T13:00:00Z", "lifecycleStage": "ENGAGED" }, "interactions": { "totalCount": 1 } })
    );
}

//! The life of a draft: what can be done in which state, and what comes of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    crm::prospect,
    error::{Problem, Result},
    scope::{Actor, Scope},
    value::Value,
    vocabulary::{Word, word},
    write::{Record, Unit},
};

/// What can be done with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Change what it says.
    Edit,
    /// Hand it to a person to be read.
    Submit,
    /// Say that it may be sent as it is.
    Approve,
    /// Say that it may not be sent.
    Reject,
    /// Take it up again.
    Reopen,
    /// Set the time to send it.
    Schedule,
    /// Take the time back.
    Unschedule,
    /// Say that sending begins, under a claim.
    BeginSending,
    /// Note that it was sent.
    MarkSent,
    /// Note that it could not be sent.
    MarkFailed,
    /// Make it ready to be sent once more.
    Retry,
    /// Note that it was answered.
    MarkReplied,
    /// Note that it came back.
    MarkBounced,
    /// Give it up.
    Discard,
}

/// The names of [`Action`], for users.
pub const ACTIONS: &[Word] = &[
    word("edit", "Edit the message; after approval, as a new version (updateOutreachDraft)."),
    word("submit", "Submit for review (submitOutreachDraft)."),
    word("approve", "Approve (approveOutreachDraft)."),
    word("reject", "Reject (rejectOutreachDraft)."),
    word("reopen", "Reopen (reopenOutreachDraft)."),
    word("schedule", "Set the time to send it (scheduleOutreachDraft)."),
    word("unschedule", "Clear the time to send it (unscheduleOutreachDraft)."),
    word("begin_sending", "Begin sending, under a claim (beginSendingOutreachDraft)."),
    word("mark_sent", "Mark as sent (markOutreachDraftSent)."),
    word("mark_failed", "Mark as failed (markOutreachDraftFailed)."),
    word("retry", "Retry (retryOutreachDraft)."),
    word("mark_replied", "Mark as replied (markOutreachDraftReplied)."),
    word("mark_bounced", "Mark as bounced (markOutreachDraftBounced)."),
    word("discard", "Discard (discardOutreachDraft)."),
];

/// Every action, in which states it can be done, and the state that comes of it; a way through
/// `sending` is one act.
pub(super) const LIFE: &[(Action, &[&str], &str)] = &[
    (
        Action::Edit,
        &["draft", "pending_review", "approved", "rejected", "scheduled", "failed"],
        "draft",
    ),
    (Action::Submit, &["draft"], "pending_review"),
    (Action::Approve, &["pending_review"], "approved"),
    (Action::Reject, &["pending_review"], "rejected"),
    (Action::Reopen, &["rejected"], "draft"),
    (Action::Schedule, &["approved"], "scheduled"),
    (Action::Unschedule, &["scheduled"], "approved"),
    (Action::BeginSending, &["approved", "scheduled"], "sending"),
    (Action::MarkSent, &["approved", "scheduled", "sending", "uncertain"], "sent"),
    (Action::MarkFailed, &["approved", "scheduled", "sending", "uncertain"], "failed"),
    (Action::Retry, &["failed"], "approved"),
    (Action::MarkReplied, &["sent"], "replied"),
    (Action::MarkBounced, &["sent"], "bounced"),
    (
        Action::Discard,
        &["draft", "pending_review", "approved", "rejected", "scheduled"],
        "discarded",
    ),
];

impl Action {
    /// Its name, as in [`ACTIONS`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Reopen => "reopen",
            Self::Schedule => "schedule",
            Self::Unschedule => "unschedule",
            Self::BeginSending => "begin_sending",
            Self::MarkSent => "mark_sent",
            Self::MarkFailed => "mark_failed",
            Self::Retry => "retry",
            Self::MarkReplied => "mark_replied",
            Self::MarkBounced => "mark_bounced",
            Self::Discard => "discard",
        }
    }

    /// Whether it brings a draft nearer to being sent.
    pub(super) fn leads_to_sending(self) -> bool {
        matches!(
            self,
            Self::Submit | Self::Approve | Self::Schedule | Self::Retry | Self::BeginSending
        )
    }
}

/// Brings a draft into another state and nothing else; gives it as it is then.
pub(crate) async fn put(unit: &mut Unit, before: &Record, status: &str) -> Result<Record> {
    let mut after = before.clone();
    after.set("status", Value::Text(status.to_owned()));
    unit.update(before, after).await
}

/// Why an action can't be done, with those that can.
pub(crate) fn refusal(status: &str, action: Action) -> Problem {
    let can: Vec<_> = LIFE
        .iter()
        .filter(|(_, from, _)| from.contains(&status))
        .map(|(action, ..)| action.name().to_ascii_uppercase())
        .collect();
    let (status, action) = (status.to_ascii_uppercase(), action.name().to_ascii_uppercase());
    let can = if can.is_empty() { "nothing".to_owned() } else { can.join(", ") };
    Problem::conflict(
        crate::Reason::DraftStatusConflict,
        "id",
        format!("{action} can't be done with a draft that is {status}; {can} can"),
    )
}

/// A draft, as far as it decides what can be done with it.
#[derive(Clone, Debug)]
pub struct DraftState {
    /// Its state.
    pub status: String,
    /// Whether a program wrote it.
    pub by_worker: bool,
    /// Whom it is for.
    pub prospect: i64,
    /// Who has a claim on it, and until when.
    pub claim: Option<(String, DateTime<Utc>)>,
}

/// What the actor can do with each of these drafts; at most one statement for all.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
pub async fn available(scope: &Scope, drafts: &[DraftState]) -> Result<Vec<Vec<Action>>> {
    let sendable = |status: &str| {
        matches!(status, "draft" | "pending_review" | "approved" | "scheduled" | "failed")
    };
    let prospects: Vec<i64> =
        drafts.iter().filter(|draft| sendable(&draft.status)).map(|draft| draft.prospect).collect();
    let reachable = prospect::reachable(scope, &prospects).await?;
    Ok(drafts.iter().map(|draft| actions(draft, scope, &reachable)).collect())
}

fn actions(draft: &DraftState, scope: &Scope, reachable: &HashMap<i64, bool>) -> Vec<Action> {
    let actor = scope.actor();
    let claim = draft.claim.as_ref().filter(|(_, until)| *until > scope.now());
    let is_own = claim.is_some_and(|(owner, _)| *owner == actor.label());
    let is_free = claim.is_none() || is_own;
    let is_reachable = reachable.get(&draft.prospect).copied().unwrap_or(false);
    LIFE.iter()
        .filter(|(_, from, _)| from.contains(&draft.status.as_str()))
        .map(|(action, ..)| *action)
        .filter(|action| match action {
            Action::Approve => {
                is_reachable && actor.may_approve() && !(actor.is_worker() && draft.by_worker)
            }
            Action::BeginSending => is_reachable && is_own,
            // Who brings evidence of delivery may say so too.
            Action::MarkSent => {
                is_free && (is_reachable || matches!(&*draft.status, "sending" | "uncertain"))
            }
            Action::MarkFailed => {
                is_free && (draft.status != "uncertain" || matches!(actor, Actor::Person(_)))
            }
            Action::Edit | Action::Schedule | Action::Unschedule | Action::Discard if !is_free => {
                false
            }
            action => is_reachable || !action.leads_to_sending(),
        })
        .collect()
}

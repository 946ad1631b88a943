//! State machine of drafts: allowed actions per status, and the resulting status.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    record::Record,
    scope::{Actor, Scope},
    value::Value,
    write::Unit,
};
use entity::outreach::outreach_draft;

use crate::crm::prospect;

/// An action on a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Edit the message.
    Edit,
    /// Submit for review.
    Submit,
    /// Approve for sending.
    Approve,
    /// Reject in review.
    Reject,
    /// Reopen a rejected draft.
    Reopen,
    /// Set the time to send the draft.
    Schedule,
    /// Clear the time to send the draft.
    Unschedule,
    /// Begin sending, under a claim.
    BeginSending,
    /// Mark as sent.
    MarkSent,
    /// Mark as failed.
    MarkFailed,
    /// Retry a failed draft.
    Retry,
    /// Mark as replied.
    MarkReplied,
    /// Mark as bounced.
    MarkBounced,
    /// Discard before sending.
    Discard,
}

/// API names of [`Action`].
pub const ACTIONS: &[EnumValue] = &[
    enum_value("edit", "Edit the message; after approval, as a new version (updateOutreachDraft)."),
    enum_value("submit", "Submit for review (submitOutreachDraft)."),
    enum_value("approve", "Approve (approveOutreachDraft)."),
    enum_value("reject", "Reject (rejectOutreachDraft)."),
    enum_value("reopen", "Reopen (reopenOutreachDraft)."),
    enum_value("schedule", "Set the time to send the draft (scheduleOutreachDraft)."),
    enum_value("unschedule", "Clear the time to send the draft (unscheduleOutreachDraft)."),
    enum_value("begin_sending", "Begin sending, under a claim (beginSendingOutreachDraft)."),
    enum_value("mark_sent", "Mark as sent (markOutreachDraftSent)."),
    enum_value("mark_failed", "Mark as failed (markOutreachDraftFailed)."),
    enum_value("retry", "Retry (retryOutreachDraft)."),
    enum_value("mark_replied", "Mark as replied (markOutreachDraftReplied)."),
    enum_value("mark_bounced", "Mark as bounced (markOutreachDraftBounced)."),
    enum_value("discard", "Discard (discardOutreachDraft)."),
];

/// Transitions: action, allowed statuses, resulting status. An action that passes through `sending` has a single entry
/// in this table.
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
    /// Name, as in [`ACTIONS`].
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

    /// Whether the action brings a draft closer to being sent.
    pub(super) fn leads_to_sending(self) -> bool {
        matches!(
            self,
            Self::Submit | Self::Approve | Self::Schedule | Self::Retry | Self::BeginSending
        )
    }
}

/// Changes only the status of a draft and returns the updated draft.
pub(crate) async fn put(unit: &mut Unit, before: &Record, status: &str) -> Result<Record> {
    let mut after = before.clone();
    after.set(outreach_draft::Column::Status, Value::Text(status.to_owned()));
    unit.update(before, after).await
}

/// Error for an action that is not allowed, with the allowed actions.
pub(crate) fn refusal(status: &str, action: Action) -> Problem {
    let can: Vec<_> = LIFE
        .iter()
        .filter(|(_, from, _)| from.contains(&status))
        .map(|(action, ..)| action.name().to_ascii_uppercase())
        .collect();
    let (status, action) = (status.to_ascii_uppercase(), action.name().to_ascii_uppercase());
    let can = if can.is_empty() { "none".to_owned() } else { can.join(", ") };
    Problem::conflict(
        engine::Reason::DraftStatusConflict,
        "id",
        format!("cannot {action} a draft in status {status}; allowed actions: {can}"),
    )
}

/// The attributes of a draft that determine the available actions.
#[derive(Clone, Debug)]
pub struct DraftState {
    /// Status.
    pub status: String,
    /// Whether a program wrote the draft.
    pub by_worker: bool,
    /// Primary key of the recipient.
    pub prospect: i64,
    /// Holder and expiry of the claim.
    pub claim: Option<(String, DateTime<Utc>)>,
}

/// The actions available to the actor for each of these drafts. At most one statement in total.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
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
            // Any actor with evidence of delivery may mark the draft as sent.
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

//! Actions on drafts. Each action is a state transition in one transaction.

use chrono::{DateTime, Utc};
use engine::{
    error::{Problem, Result},
    record::Record,
    scope::{Actor, Scope},
    value::Value,
    write::{IdempotentRequest, SKEW, Unit, idempotency, row::at_revision},
};

use super::{
    claim,
    draft_state::{Action, LIFE, put, refusal},
    interaction, outreach_draft,
};
use crate::{crm::prospect, offer::event};

/// An action on a draft, with its input.
#[derive(Clone, Debug)]
pub enum DraftAction {
    /// See [`Action::Submit`].
    Submit,
    /// See [`Action::Approve`].
    Approve,
    /// See [`Action::Reject`].
    Reject {
        /// Reason.
        note: Option<String>,
    },
    /// See [`Action::Reopen`].
    Reopen,
    /// See [`Action::Schedule`].
    Schedule {
        /// Time to send the draft.
        at: DateTime<Utc>,
    },
    /// See [`Action::Unschedule`].
    Unschedule,
    /// See [`Action::BeginSending`].
    BeginSending,
    /// See [`Action::MarkSent`].
    MarkSent {
        /// Timestamp; defaults to now.
        at: Option<DateTime<Utc>>,
        /// ID of the message at the provider.
        provider_message_id: Option<String>,
    },
    /// See [`Action::MarkFailed`].
    MarkFailed {
        /// Error message.
        error: String,
    },
    /// See [`Action::Retry`].
    Retry,
    /// See [`Action::MarkReplied`].
    MarkReplied {
        /// Timestamp; defaults to now.
        at: Option<DateTime<Utc>>,
        /// Content of the reply. If present, the reply is logged as an interaction.
        content: Option<String>,
    },
    /// See [`Action::MarkBounced`].
    MarkBounced {
        /// Error message.
        error: Option<String>,
    },
    /// See [`Action::Discard`].
    Discard,
}

impl DraftAction {
    /// Whether the action also updates the prospect.
    fn updates_prospect(&self) -> bool {
        matches!(self, Self::MarkSent { .. } | Self::MarkReplied { .. })
    }

    /// The corresponding [`Action`].
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Submit => Action::Submit,
            Self::Approve => Action::Approve,
            Self::Reject { .. } => Action::Reject,
            Self::Reopen => Action::Reopen,
            Self::Schedule { .. } => Action::Schedule,
            Self::Unschedule => Action::Unschedule,
            Self::BeginSending => Action::BeginSending,
            Self::MarkSent { .. } => Action::MarkSent,
            Self::MarkFailed { .. } => Action::MarkFailed,
            Self::Retry => Action::Retry,
            Self::MarkReplied { .. } => Action::MarkReplied,
            Self::MarkBounced { .. } => Action::MarkBounced,
            Self::Discard => Action::Discard,
        }
    }
}

/// Applies an action to a draft. Returns the primary key of the draft.
///
/// # Errors
/// [`engine::Error::Refused`] if the status of the draft doesn't allow the action (the message lists the allowed
/// actions), or if a program approves a draft written by a program.
pub async fn act(
    scope: &Scope,
    id: i64,
    act: DraftAction,
    expected_revision: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            act_in(unit, id, act, expected_revision).await?;
            Ok(id)
        })
    })
    .await
}

/// Applies an action to a draft in a unit of work.
pub(super) async fn act_in(
    unit: &mut Unit,
    id: i64,
    act: DraftAction,
    expected_revision: Option<i64>,
) -> Result<()> {
    if act.updates_prospect()
        && let Some(draft) = unit.peek(outreach_draft::table(), id).await?
    {
        // The prospect is locked first, as in all other transactions.
        unit.find(prospect::table(), draft.key(outreach_draft::Column::ProspectId)?).await?;
    }
    let mut draft = unit.get(outreach_draft::table(), id, "id").await?;
    if claim::is_uncertain(&draft, unit.now()) {
        at_revision(&draft, expected_revision)?;
        draft = put(unit, &draft, "uncertain").await?;
    }
    let status = draft.text(outreach_draft::Column::Status);
    let action = act.action();
    let Some((.., to)) =
        LIFE.iter().find(|(known, from, _)| *known == action && from.contains(&status))
    else {
        return Err(refusal(status, action).into());
    };
    if status != "uncertain" {
        at_revision(&draft, expected_revision)?;
    }
    claim::refuse_claimed_by_another(unit, &draft)?;
    if action.leads_to_sending() {
        reachable(unit, &draft).await?;
    }
    run(unit, draft, act, to).await
}

async fn run(unit: &mut Unit, before: Record, act: DraftAction, to: &str) -> Result<()> {
    let mut draft = before.clone();
    let now = unit.now();
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    draft.set(outreach_draft::Column::Status, Value::Text(to.to_owned()));
    match act {
        DraftAction::Submit => draft.set(outreach_draft::Column::SubmittedAt, Value::Time(now)),
        DraftAction::Approve => {
            approve(unit.scope(), &mut draft, now)?;
            claim::bind_address(unit, &mut draft).await?;
        }
        DraftAction::BeginSending => claim::demand_claim(unit, &before)?,
        DraftAction::Reject { note } => {
            draft.set(outreach_draft::Column::ReviewNote, checked("note", text(note))?);
        }
        DraftAction::Schedule { at } if at <= now => {
            let message = "`scheduledFor` must be in the future";
            return Err(Problem::invalid(
                engine::Reason::TimeNotInFuture,
                "scheduled_for",
                message,
            )
            .into());
        }
        DraftAction::Schedule { at } => {
            draft.set(outreach_draft::Column::ScheduledFor, Value::Time(at));
        }
        DraftAction::Unschedule => draft.set(outreach_draft::Column::ScheduledFor, Value::Null),
        DraftAction::MarkSent { at, provider_message_id } => {
            return send(unit, before, at, provider_message_id).await;
        }
        DraftAction::MarkFailed { error } => {
            let is_uncertain = before.text(outreach_draft::Column::Status) == "uncertain";
            if is_uncertain && !matches!(unit.scope().actor(), Actor::Person(_)) {
                let message = "the outcome of sending is unknown: a person must confirm it";
                return Err(Problem::conflict(
                    engine::Reason::DraftOutcomeUncertain,
                    "id",
                    message,
                )
                .into());
            }
            let sending = if is_uncertain { before } else { put(unit, &before, "sending").await? };
            let mut failed = sending.clone();
            claim::clear(&mut failed);
            failed.set(outreach_draft::Column::Status, Value::Text(to.to_owned()));
            failed.set(outreach_draft::Column::Error, checked("error", Value::Text(error))?);
            unit.update(&sending, failed).await?;
            return Ok(());
        }
        DraftAction::Retry => {
            draft.set(outreach_draft::Column::Error, Value::Null);
            draft.set(outreach_draft::Column::ScheduledFor, Value::Null);
        }
        DraftAction::MarkReplied { at, content } => {
            let at = past(at, now, "replied_at")?;
            if before.time(outreach_draft::Column::SentAt).is_some_and(|sent| at < sent) {
                let message = "the timestamp must not be before the draft was sent";
                return Err(Problem::invalid(
                    engine::Reason::ReplyBeforeSent,
                    "replied_at",
                    message,
                )
                .into());
            }
            if let Some(content) = content {
                let content = checked("content", Value::Text(content))?;
                log(unit, &before, "inbound", content, at).await?;
            } else {
                let prospect = before.key(outreach_draft::Column::ProspectId)?;
                interaction::in_step(unit, prospect, "inbound", Some(at)).await?;
            }
        }
        DraftAction::MarkBounced { error } => {
            draft.set(outreach_draft::Column::Error, checked("error", text(error))?);
        }
        DraftAction::Reopen | DraftAction::Discard => {}
    }
    unit.update(&before, draft).await?;
    Ok(())
}

/// People may approve any draft; programs may approve only drafts that were not written by a program. Actors without a
/// name can't approve drafts.
fn approve(scope: &Scope, draft: &mut Record, now: DateTime<Utc>) -> Result<()> {
    if !scope.actor().may_approve() {
        let message = "an approval requires a named person: send `Salesgraph-Actor: person/NAME`, or use a person's API key";
        return Err(Problem::conflict(engine::Reason::ActorUnnamed, "id", message).into());
    }
    if scope.actor().is_worker() && draft.text(outreach_draft::Column::AuthorKind) == "worker" {
        let message = "a worker wrote this draft, so a person has to approve it";
        return Err(Problem::conflict(engine::Reason::ApprovalNeedsPerson, "id", message).into());
    }
    draft.set(outreach_draft::Column::ApprovedAt, Value::Time(now));
    outreach_draft::sign(
        draft,
        scope,
        [outreach_draft::Column::ApproverKind, outreach_draft::Column::ApproverName],
    );
    Ok(())
}

/// Transitions through `sending` to `sent`, and logs one interaction.
async fn send(
    unit: &mut Unit,
    before: Record,
    at: Option<DateTime<Utc>>,
    provider_message_id: Option<String>,
) -> Result<()> {
    let at = past(at, unit.now(), "sent_at")?;
    let id = before.key(outreach_draft::Column::ProspectId)?;
    let prospect = unit.get(prospect::table(), id, "prospect_id").await?;
    // A message that was sent is recorded even if its recipient may no longer be contacted.
    let is_out = matches!(before.text(outreach_draft::Column::Status), "sending" | "uncertain");
    if !is_out {
        refuse_unreachable(&prospect)?;
        claim::refuse_other_address(&before, &prospect)?;
    }
    let is_uncertain = before.text(outreach_draft::Column::Status) == "uncertain";
    let is_evidence = provider_message_id.is_some();
    if is_uncertain && !is_evidence && !matches!(unit.scope().actor(), Actor::Person(_)) {
        let message = "the outcome of sending is unknown: a person must confirm it, or pass `providerMessageId` as evidence";
        return Err(Problem::conflict(engine::Reason::DraftOutcomeUncertain, "id", message).into());
    }
    let sending = if is_uncertain { before.clone() } else { put(unit, &before, "sending").await? };
    let mut sent = sending.clone();
    claim::clear(&mut sent);
    sent.set(outreach_draft::Column::Status, Value::Text("sent".to_owned()));
    sent.set(outreach_draft::Column::SentAt, Value::Time(at));
    if let Some(id) = provider_message_id {
        if id.chars().count() > 255 {
            let message = "`providerMessageId` must be at most 255 characters";
            return Err(Problem::invalid(
                engine::Reason::TextTooLong,
                "provider_message_id",
                message,
            )
            .into());
        }
        sent.set(
            outreach_draft::Column::ProviderMessageId,
            checked("provider_message_id", Value::Text(id))?,
        );
    }
    unit.update(&sending, sent).await?;
    let content = before.value(outreach_draft::Column::Content).clone();
    log(unit, &before, "outbound", content, at).await
}

/// Rejects an action that would send a message to a deleted or unsubscribed prospect.
async fn reachable(unit: &mut Unit, draft: &Record) -> Result<()> {
    let id = draft.key(outreach_draft::Column::ProspectId)?;
    match unit.peek(prospect::table(), id).await? {
        Some(prospect) => {
            refuse_unreachable(&prospect)?;
            claim::refuse_other_address(draft, &prospect)
        }
        None => Err(Problem::not_found("id", "prospect").into()),
    }
}

fn refuse_unreachable(prospect: &Record) -> Result<()> {
    for (column, message) in [
        (prospect::Column::DeletedAt, "the prospect is deleted"),
        (prospect::Column::UnsubscribedAt, "the prospect is unsubscribed (unsubscribedAt)"),
    ] {
        if prospect.has(column) {
            return Err(
                Problem::conflict(engine::Reason::RecipientUnreachable, "id", message).into()
            );
        }
    }
    Ok(())
}

/// Logs an interaction for an outcome of a draft.
async fn log(
    unit: &mut Unit,
    draft: &Record,
    direction: &str,
    content: Value,
    at: DateTime<Utc>,
) -> Result<()> {
    let event = match draft.number(outreach_draft::Column::EventId) {
        // Locks the event against deletion.
        Some(event) => unit.referred(event::table(), event).await?.map(|event| event.id()),
        None => None,
    };
    let mut interaction = Record::new(interaction::table());
    let subject = if draft.has(outreach_draft::Column::Subject) {
        outreach_draft::Column::Subject
    } else {
        outreach_draft::Column::DraftType
    };
    for (column, value) in [
        (interaction::Column::ProspectId, draft.value(outreach_draft::Column::ProspectId).clone()),
        (interaction::Column::EventId, event.map_or(Value::Null, Value::Int)),
        (
            interaction::Column::InteractionType,
            draft.value(outreach_draft::Column::Channel).clone(),
        ),
        (interaction::Column::InteractionDate, Value::Time(at)),
        (interaction::Column::Subject, draft.value(subject).clone()),
        (interaction::Column::Content, content),
        (interaction::Column::Direction, Value::Text(direction.to_owned())),
        (interaction::Column::Channel, draft.value(outreach_draft::Column::Channel).clone()),
        (interaction::Column::OutreachDraftId, Value::Int(draft.id())),
    ] {
        interaction.set(column, value);
    }
    let interaction = unit.insert(interaction).await?;
    interaction::happened(unit, &interaction).await
}

fn past(at: Option<DateTime<Utc>>, now: DateTime<Utc>, field: &str) -> Result<DateTime<Utc>> {
    match at {
        // Tolerance for clock skew.
        Some(at) if at > now + SKEW => Err(Problem::invalid(
            engine::Reason::TimeInFuture,
            field,
            "the timestamp must not be in the future",
        )
        .into()),
        at => Ok(at.unwrap_or(now).min(now)),
    }
}

fn checked(field: &str, value: Value) -> Result<Value> {
    match &value {
        Value::Text(text) if text.contains('\0') => Err(Problem::invalid(
            engine::Reason::CharacterNotAllowed,
            field,
            "the text must not contain NUL characters",
        )
        .into()),
        Value::Text(text) if text.trim().is_empty() => Err(Problem::invalid(
            engine::Reason::ValueRequired,
            field,
            "the text must not be empty",
        )
        .into()),
        _ => Ok(value),
    }
}

//! Rule-based suggestion of the next action for a prospect. Actions are never performed automatically.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::Result,
    scope::Scope,
    value::{Kind, Value},
};

/// Time limit for a reply to an inbound interaction.
pub(super) const REPLY_WITHIN: TimeDelta = TimeDelta::days(1);

/// Time after which a prospect without a reply gets a follow-up.
pub(super) const FOLLOW_UP_AFTER: TimeDelta = TimeDelta::days(7);

/// Kinds of next actions, in order of precedence.
pub const KINDS: &[EnumValue] = &[
    enum_value("review_draft", "A draft waits for review."),
    enum_value("send_draft", "A draft is approved but not scheduled."),
    enum_value("finish_draft", "A draft is not submitted yet."),
    enum_value(
        "reply",
        "An inbound interaction is newer than the last outbound one: reply within a day.",
    ),
    enum_value("revise_draft", "A draft was rejected: rewrite or discard it."),
    enum_value("research", "There is no research: research the prospect first."),
    enum_value("first_contact", "The prospect was never contacted."),
    enum_value(
        "follow_up",
        "The prospect was contacted more than 7 days ago and has not replied: follow up.",
    ),
];

/// The next action and its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct NextAction {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// Reason, as a sentence.
    pub reason: String,
    /// Evidence: entity name and primary key of a row.
    pub evidence: Option<(&'static str, i64)>,
    /// Due date.
    pub due_at: Option<DateTime<Utc>>,
    /// Primary key and revision of the draft, if the action concerns one.
    pub draft: Option<(i64, i64)>,
}

/// Facts about a prospect.
struct Facts {
    contacted: Option<DateTime<Utc>>,
    engaged: Option<DateTime<Utc>>,
    answer: Option<i64>,
    /// The newest draft in each status of [`WAITING`].
    drafts: [Option<(i64, i64)>; 4],
    /// Whether a message is scheduled or being sent.
    sending: bool,
    researched: bool,
}

/// Draft statuses that require an action.
pub(super) const WAITING: [&str; 4] = ["pending_review", "approved", "draft", "rejected"];

/// The next action for each of these prospects. Prospects without a next action are omitted: deleted, inactive,
/// unsubscribed or disqualified prospects, prospects with a message scheduled or being sent, and recently contacted
/// prospects who have not replied since. One statement.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn of_prospects(scope: &Scope, keys: &[i64]) -> Result<HashMap<i64, NextAction>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (engine, mut binds) = (scope.store().engine(), Vec::new());
    // Primary key and revision are packed into one number, so that `max` selects the newest draft, which has the
    // largest primary key.
    let draft = |status: &str| {
        format!(
            "(SELECT max(d.\"id\" * 1048576 + d.\"revision\") FROM \"outreach_drafts\" d \
             WHERE d.\"prospect_id\" = p.\"id\" AND d.\"status\" = '{status}')"
        )
    };
    let drafts = WAITING.map(draft).join(", ");
    let among = engine.among(keys, &mut binds);
    binds.push(scope.organization().into());
    let not_by = engine.not_by();
    let sql = format!(
        "SELECT p.\"id\", p.\"last_contacted_at\", p.\"last_engagement_date\", {drafts}, \
         EXISTS (SELECT 1 FROM \"outreach_drafts\" d WHERE d.\"prospect_id\" = p.\"id\" \
         AND d.\"status\" IN ('scheduled', 'sending')), \
         EXISTS (SELECT 1 FROM \"prospect_research\" r WHERE r.\"prospect_id\" = p.\"id\"), \
         (SELECT i.\"id\" FROM \"interactions\" i WHERE i.\"prospect_id\" = p.\"id\" \
         AND i.\"direction\" = 'inbound' ORDER BY i.\"interaction_date\" DESC, i.\"id\" DESC LIMIT 1) \
         FROM \"prospects\" p WHERE p.\"id\" {among} AND {not_by}p.\"organization_id\" = {{}} \
         AND p.\"deleted_at\" IS NULL AND p.\"is_active\" AND p.\"unsubscribed_at\" IS NULL \
         AND p.\"lifecycle_stage\" <> 'disqualified'"
    );
    let rows = scope.store().query(&sql, binds).await?;
    let mut actions = HashMap::new();
    for row in &rows {
        let time = |place: usize| Value::read(row, place, Kind::Time).map(|cell| cell.time());
        let mut drafts = [None; 4];
        for (place, draft) in drafts.iter_mut().enumerate() {
            let both: Option<i64> = row.try_get_by_index(place + 3)?;
            *draft = both.map(|both| (both / 1_048_576, both % 1_048_576));
        }
        let facts = Facts {
            contacted: time(1)?,
            engaged: time(2)?,
            drafts,
            sending: matches!(Value::read(row, 7, Kind::Bool)?, Value::Bool(true)),
            researched: matches!(Value::read(row, 8, Kind::Bool)?, Value::Bool(true)),
            answer: row.try_get_by_index(9)?,
        };
        if let Some(action) = decide(scope.now(), &facts) {
            actions.insert(row.try_get_by_index(0)?, action);
        }
    }
    Ok(actions)
}

impl NextAction {
    fn new(kind: &'static str, reason: String) -> Self {
        Self { kind, reason, evidence: None, due_at: None, draft: None }
    }

    /// The action for a draft in one of the statuses in [`WAITING`], which is given by its index.
    pub(super) fn for_draft(waiting: usize, (id, revision): (i64, i64)) -> Self {
        let (kind, reason) = [
            ("review_draft", "A draft waits for review."),
            ("send_draft", "A draft is approved but not scheduled."),
            ("finish_draft", "A draft is not submitted yet."),
            ("revise_draft", "A draft was rejected."),
        ][waiting];
        Self {
            evidence: Some(("outreach_draft", id)),
            draft: Some((id, revision)),
            ..Self::new(kind, reason.to_owned())
        }
    }

    /// The reply to the newest inbound interaction.
    pub(super) fn reply(engaged: DateTime<Utc>, interaction: Option<i64>) -> Self {
        let reason = format!("The inbound interaction of {} has no reply.", day(engaged));
        Self {
            evidence: interaction.map(|id| ("interaction", id)),
            due_at: Some(engaged + REPLY_WITHIN),
            ..Self::new("reply", reason)
        }
    }

    /// The first action for a prospect that was never contacted.
    pub(super) fn first(researched: bool) -> Self {
        if researched {
            Self::new("first_contact", "The prospect was never contacted.".to_owned())
        } else {
            let reason = "The prospect was never contacted, and there is no research.";
            Self::new("research", reason.to_owned())
        }
    }

    /// The follow-up of a contact without a reply.
    pub(super) fn follow_up(contacted: DateTime<Utc>) -> Self {
        let reason =
            format!("The prospect was contacted on {} and has not replied.", day(contacted));
        Self { due_at: Some(contacted + FOLLOW_UP_AFTER), ..Self::new("follow_up", reason) }
    }
}

fn day(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

fn decide(now: DateTime<Utc>, facts: &Facts) -> Option<NextAction> {
    let [review, send, finish, revise] = [0, 1, 2, 3]
        .map(|waiting| facts.drafts[waiting].map(|draft| NextAction::for_draft(waiting, draft)));
    // A draft may already be the reply, so drafts take precedence.
    if let Some(waiting) = review.or(send).or(finish) {
        return Some(waiting);
    }
    match (facts.engaged, facts.contacted) {
        (Some(engaged), contacted) if contacted.is_none_or(|contacted| contacted < engaged) => {
            Some(NextAction::reply(engaged, facts.answer))
        }
        _ if facts.sending => None,
        _ if revise.is_some() => revise,
        (_, None) => Some(NextAction::first(facts.researched)),
        (_, Some(contacted)) if now - contacted > FOLLOW_UP_AFTER => {
            Some(NextAction::follow_up(contacted))
        }
        _ => None,
    }
}

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
const ANSWER_WITHIN: TimeDelta = TimeDelta::days(1);

/// Time after which a prospect without a reply gets a follow-up.
const FOLLOW_UP_AFTER: TimeDelta = TimeDelta::days(7);

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
const WAITING: [&str; 4] = ["pending_review", "approved", "draft", "rejected"];

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

fn decide(now: DateTime<Utc>, facts: &Facts) -> Option<NextAction> {
    let action = |kind, reason: String, due_at| NextAction {
        kind,
        reason,
        evidence: None,
        due_at,
        draft: None,
    };
    let on = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
    let drafted = |place: usize, kind, reason: &str| {
        facts.drafts[place].map(|(id, revision)| NextAction {
            evidence: Some(("outreach_draft", id)),
            draft: Some((id, revision)),
            ..action(kind, reason.to_owned(), None)
        })
    };
    // A draft may already be the reply, so drafts take precedence.
    let [review, send, finish, mend] = [
        drafted(0, "review_draft", "A draft waits for review."),
        drafted(1, "send_draft", "A draft is approved but not scheduled."),
        drafted(2, "finish_draft", "A draft is not submitted yet."),
        drafted(3, "revise_draft", "A draft was rejected."),
    ];
    if let Some(waiting) = review.or(send).or(finish) {
        return Some(waiting);
    }
    match (facts.engaged, facts.contacted) {
        (Some(engaged), contacted) if contacted.is_none_or(|contacted| contacted < engaged) => {
            let reason = format!("The inbound interaction of {} has no reply.", on(engaged));
            let evidence = facts.answer.map(|id| ("interaction", id));
            let answer = action("reply", reason, Some(engaged + ANSWER_WITHIN));
            Some(NextAction { evidence, ..answer })
        }
        _ if facts.sending => None,
        _ if mend.is_some() => mend,
        (_, None) if !facts.researched => {
            let reason = "The prospect was never contacted, and there is no research.".to_owned();
            Some(action("research", reason, None))
        }
        (_, None) => {
            let reason = "The prospect was never contacted.".to_owned();
            Some(action("first_contact", reason, None))
        }
        (_, Some(contacted)) if now - contacted > FOLLOW_UP_AFTER => {
            let reason =
                format!("The prospect was contacted on {} and has not replied.", on(contacted));
            Some(action("follow_up", reason, Some(contacted + FOLLOW_UP_AFTER)))
        }
        _ => None,
    }
}

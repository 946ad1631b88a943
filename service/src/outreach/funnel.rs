//! Outreach funnel.

use engine::{
    error::Result,
    read::{self, Aggregate, Filter, GroupKey, List, Measure, Zone},
    scope::Scope,
    value::Value,
};

use super::outreach_draft;

/// Number of drafts per stage. Superseded and discarded drafts count toward every stage they reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Drafts written.
    pub written: i64,
    /// Drafts submitted for review.
    pub submitted: i64,
    /// Drafts approved.
    pub approved: i64,
    /// Drafts sent.
    pub sent: i64,
    /// Drafts with a reply.
    pub replied: i64,
    /// Drafts that bounced.
    pub bounced: i64,
    /// Drafts currently rejected.
    pub rejected: i64,
    /// Drafts discarded.
    pub discarded: i64,
}

/// The funnel of the drafts that match `filter`. One statement.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn funnel(scope: &Scope, filter: Filter) -> Result<Funnel> {
    let table = outreach_draft::table();
    let mut list = List::new(table, "Query.draftFunnel".to_owned());
    list.filter = filter;
    let utc =
        Zone::named("UTC").ok_or_else(|| engine::Error::internal("time zone UTC is missing"))?;
    let mut aggregate = Aggregate::new(utc);
    aggregate.limit = read::MAX_GROUPS;
    let column = table.column(outreach_draft::Column::Status);
    aggregate.keys.push(GroupKey { of: 0, column, bucket: None });
    aggregate.measure(Measure::Count);
    for column in [
        outreach_draft::Column::SubmittedAt,
        outreach_draft::Column::ApprovedAt,
        outreach_draft::Column::SentAt,
    ] {
        aggregate.measure(Measure::Present(table.column(column)));
    }
    let found = read::aggregate(scope, &list, &aggregate).await?;
    let mut funnel = Funnel::default();
    for group in found.groups(0) {
        let number = |place: usize| group[place].key().unwrap_or_default();
        funnel.written += number(1);
        funnel.submitted += number(2);
        funnel.approved += number(3);
        funnel.sent += number(4);
        let Value::Text(status) = &group[0] else { continue };
        match status.as_str() {
            "replied" => funnel.replied += number(1),
            "bounced" => funnel.bounced += number(1),
            "rejected" => funnel.rejected += number(1),
            "discarded" => funnel.discarded += number(1),
            _ => {}
        }
    }
    Ok(funnel)
}

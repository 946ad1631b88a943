//! How far drafts come.

use crate::{
    error::Result,
    read::{self, Aggregate, Filter, GroupKey, List, Measure, Zone},
    scope::Scope,
    value::Value,
};

use super::outreach_draft;

/// How many drafts came how far. A version that was superseded, and one that was discarded, came as far as it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// How many were written.
    pub written: i64,
    /// How many were handed to a person to be read.
    pub submitted: i64,
    /// How many were approved.
    pub approved: i64,
    /// How many were sent.
    pub sent: i64,
    /// How many were answered.
    pub replied: i64,
    /// How many came back.
    pub bounced: i64,
    /// How many are rejected.
    pub rejected: i64,
    /// How many were discarded.
    pub discarded: i64,
}

/// How far the drafts come that pass `filter`. One statement.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
pub async fn funnel(scope: &Scope, filter: Filter) -> Result<Funnel> {
    let table = outreach_draft::table();
    let mut list = List::new(table, "Query.draftFunnel".to_owned());
    list.filter = filter;
    let utc = Zone::named("UTC").ok_or_else(|| crate::Error::internal("there is no UTC"))?;
    let mut aggregate = Aggregate::new(utc);
    aggregate.limit = read::MAX_GROUPS;
    let column = table.column("status");
    aggregate.keys.push(GroupKey { of: 0, column, bucket: None });
    aggregate.measure(Measure::Count);
    for column in ["submitted_at", "approved_at", "sent_at"] {
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

//! Engagement of companies, computed from the interactions of their prospects.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::Result,
    scope::Scope,
    value::{Kind, Value},
};

/// Maximum age of an inbound interaction for level `hot`.
const HOT: TimeDelta = TimeDelta::days(7);

/// Maximum age of an inbound interaction for level `warm`.
const WARM: TimeDelta = TimeDelta::days(30);

/// Engagement levels.
pub const LEVELS: &[EnumValue] = &[
    enum_value("hot", "An inbound interaction within the last 7 days."),
    enum_value("warm", "An inbound interaction within the last 30 days."),
    enum_value("cold", "Contacted, but no inbound interaction within the last 30 days."),
    enum_value("untouched", "No interaction yet."),
];

/// Engagement of a company, with the underlying facts. Deleted prospects don't count.
#[derive(Clone, Debug, PartialEq)]
pub struct Engagement {
    /// One of [`LEVELS`].
    pub level: &'static str,
    /// Number of prospects of the company.
    pub prospects: i64,
    /// Number of prospects contacted.
    pub contacted: i64,
    /// Number of contacted prospects that replied.
    pub answered: i64,
    /// Timestamp of the last outbound interaction with any of the prospects.
    pub last_contacted_at: Option<DateTime<Utc>>,
    /// Timestamp of the last inbound interaction from any of the prospects.
    pub last_engagement_date: Option<DateTime<Utc>>,
}

/// The engagement of each of these companies; companies without prospects are omitted. One statement.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn of_companies(scope: &Scope, keys: &[i64]) -> Result<HashMap<i64, Engagement>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (engine, mut binds) = (scope.store().engine(), Vec::new());
    let (among, not_by) = (engine.among(keys, &mut binds), engine.not_by());
    binds.push(scope.organization().into());
    let sql = format!(
        "SELECT \"company_id\", count(*), count(\"last_contacted_at\"), \
         count(CASE WHEN \"last_contacted_at\" IS NOT NULL THEN \"last_engagement_date\" END), \
         max(\"last_contacted_at\"), max(\"last_engagement_date\") FROM \"prospects\" \
         WHERE \"company_id\" {among} AND {not_by}\"organization_id\" = {{}} AND \"deleted_at\" IS NULL \
         GROUP BY \"company_id\""
    );
    let rows = scope.store().query(&sql, binds).await?;
    let engagements = rows.iter().map(|row| {
        let number = |place: usize| row.try_get_by_index::<i64>(place);
        let time = |place: usize| Value::read(row, place, Kind::Time).map(|cell| cell.time());
        let (contacted, engaged) = (time(4)?, time(5)?);
        let engagement = Engagement {
            level: level(scope.now(), contacted, engaged),
            prospects: number(1)?,
            contacted: number(2)?,
            answered: number(3)?,
            last_contacted_at: contacted,
            last_engagement_date: engaged,
        };
        Ok((number(0)?, engagement))
    });
    engagements.collect()
}

fn level(
    now: DateTime<Utc>,
    contacted: Option<DateTime<Utc>>,
    engaged: Option<DateTime<Utc>>,
) -> &'static str {
    match (engaged, contacted) {
        (Some(engaged), _) if now - engaged <= HOT => "hot",
        (Some(engaged), _) if now - engaged <= WARM => "warm",
        (None, None) => "untouched",
        _ => "cold",
    }
}

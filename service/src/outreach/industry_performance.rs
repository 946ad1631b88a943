//! Reply rates by industry.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use engine::{
    error::Result,
    scope::Scope,
    value::{Kind, Value},
};
use sea_orm::Value as Bind;

/// Outreach and replies of an industry.
#[derive(Clone, Debug, PartialEq)]
pub struct IndustryPerformance {
    /// Primary key of the industry.
    pub industry: i64,
    /// Name of the industry.
    pub name: String,
    /// Number of companies.
    pub companies: i64,
    /// Number of prospects.
    pub prospects: i64,
    /// Prospects contacted in the time range.
    pub contacted: i64,
    /// Contacted prospects who replied in the time range.
    pub answered: i64,
    /// Outbound interactions.
    pub outbound: i64,
    /// Inbound interactions.
    pub inbound: i64,
}

/// Performance of each industry of the organization in a half-open time range, sorted by reply rate in descending
/// order; industries without contacted prospects are last. Interactions without a direction count as outbound. Deleted
/// companies and prospects don't count. One statement.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn industry_performance(
    scope: &Scope,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<IndustryPerformance>> {
    let organization = scope.organization();
    let mut binds: Vec<Bind> = vec![organization.into()];
    let mut within = String::new();
    for (moment, operator) in [(since, ">="), (until, "<")] {
        if let Some(moment) = moment {
            let _ = write!(within, " AND i.\"interaction_date\" {operator} {{}}");
            binds.push(Value::Time(moment).bind(Kind::Time));
        }
    }
    binds.extend([organization, organization].map(Bind::from));
    let sql = format!(
        "WITH said AS (SELECT i.\"prospect_id\" AS prospect, \
         sum(CASE WHEN i.\"direction\" = 'inbound' THEN 0 ELSE 1 END) AS outbound, \
         sum(CASE WHEN i.\"direction\" = 'inbound' THEN 1 ELSE 0 END) AS inbound \
         FROM \"interactions\" i WHERE i.\"organization_id\" = {{}}{within} GROUP BY i.\"prospect_id\"), \
         people AS (SELECT p.\"company_id\" AS company, count(*) AS prospects, \
         sum(CASE WHEN s.outbound > 0 THEN 1 ELSE 0 END) AS contacted, \
         sum(CASE WHEN s.outbound > 0 AND s.inbound > 0 THEN 1 ELSE 0 END) AS answered, \
         sum(COALESCE(s.outbound, 0)) AS outbound, sum(COALESCE(s.inbound, 0)) AS inbound \
         FROM \"prospects\" p LEFT JOIN said s ON s.prospect = p.\"id\" \
         WHERE p.\"organization_id\" = {{}} AND p.\"deleted_at\" IS NULL GROUP BY p.\"company_id\") \
         SELECT n.\"id\", n.\"name\", count(c.\"id\"), {} FROM \"industries\" n \
         LEFT JOIN \"companies\" c ON c.\"industry_id\" = n.\"id\" AND c.\"deleted_at\" IS NULL \
         LEFT JOIN people l ON l.company = c.\"id\" WHERE n.\"organization_id\" = {{}} \
         GROUP BY n.\"id\", n.\"name\"",
        ["prospects", "contacted", "answered", "outbound", "inbound"]
            .map(|name| format!("CAST(COALESCE(sum(l.{name}), 0) AS BIGINT)"))
            .join(", ")
    );
    let rows = scope.store().query(&sql, binds).await?;
    let all = rows.iter().map(|row| {
        let number = |place: usize| row.try_get_by_index::<i64>(place);
        Ok(IndustryPerformance {
            industry: number(0)?,
            name: row.try_get_by_index(1)?,
            companies: number(2)?,
            prospects: number(3)?,
            contacted: number(4)?,
            answered: number(5)?,
            outbound: number(6)?,
            inbound: number(7)?,
        })
    });
    let mut all = all.collect::<Result<Vec<_>>>()?;
    // Compares the fractions a/b and c/d as a · d and c · b.
    all.sort_by(|one, other| {
        let (left, right) = (one.answered * other.contacted, other.answered * one.contacted);
        (other.contacted > 0)
            .cmp(&(one.contacted > 0))
            .then(right.cmp(&left))
            .then(other.contacted.cmp(&one.contacted))
            .then(one.industry.cmp(&other.industry))
    });
    Ok(all)
}

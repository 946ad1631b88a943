//! How industries answer us.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sea_orm::Value as Bind;

use crate::{error::Result, scope::Scope, table::Kind, value::Value};

/// How an industry answers us.
#[derive(Clone, Debug, PartialEq)]
pub struct IndustryPerformance {
    /// The key of the industry.
    pub industry: i64,
    /// Its name.
    pub name: String,
    /// How many companies we know there.
    pub companies: i64,
    /// How many prospects.
    pub prospects: i64,
    /// To how many of them we said something in the time.
    pub contacted: i64,
    /// How many of those said something to us in the time.
    pub answered: i64,
    /// How often we said something.
    pub outbound: i64,
    /// How often they did.
    pub inbound: i64,
}

/// How each industry of the organization answered from a moment to before another, by the share of those contacted
/// who said something, best first; those nobody was contacted in come last. What has no direction counts as ours.
/// Deleted companies and prospects don't count. One statement.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
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
    // a of b against c of d: a · d against c · b.
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

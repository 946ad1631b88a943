//! Costs to date of the language model calls for drafts, research, prospects and companies.
//!
//! The cost of a call that produced several drafts or research records is divided among them, so no cost is counted
//! twice. Discarded and superseded drafts and soft-deleted prospects count too, because the money has been spent.
//! Permanently deleted or erased rows no longer have costs, but their calls stay in the usage log.

use std::collections::HashMap;

use engine::{error::Result, scope::Scope, store::Engine};
use sea_orm::Value as Bind;

/// Subject of the costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostSubject {
    /// Outreach drafts.
    Drafts,
    /// Research records.
    Research,
    /// Prospects, with the costs of their drafts and research.
    Prospects,
    /// Companies, with the costs of their prospects.
    Companies,
}

/// Cost shares of the calls that produced drafts (`d`) or research (`r`), with the columns `key` and `cost`.
const DRAFT_SHARES: &str = "SELECT {key} AS key, u.\"cost\" / (\
     (SELECT count(*) FROM \"outreach_draft_usages\" a WHERE a.\"llm_usage_log_id\" = u.\"id\") + \
     (SELECT count(*) FROM \"prospect_research_usages\" b WHERE b.\"llm_usage_log_id\" = u.\"id\")) AS cost \
     FROM \"outreach_drafts\" d \
     JOIN \"outreach_draft_usages\" l ON l.\"outreach_draft_id\" = d.\"id\" \
     JOIN \"llm_usage_logs\" u ON u.\"id\" = l.\"llm_usage_log_id\"";

/// The cost of each row to date, in US dollars; rows without costs are omitted. One statement.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn to_date(scope: &Scope, of: CostSubject, keys: &[i64]) -> Result<HashMap<i64, f64>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let research = DRAFT_SHARES
        .replace("outreach_drafts", "prospect_research")
        .replace("\"outreach_draft_usages\" l", "\"prospect_research_usages\" l")
        .replace("l.\"outreach_draft_id\"", "l.\"prospect_research_id\"");
    let (key, join) = match of {
        CostSubject::Drafts | CostSubject::Research => ("d.\"id\"", ""),
        CostSubject::Prospects => ("d.\"prospect_id\"", ""),
        CostSubject::Companies => (
            "p.\"company_id\"",
            " JOIN \"prospects\" p ON p.\"id\" = d.\"prospect_id\" AND p.\"organization_id\" = {}",
        ),
    };
    let (engine, organization) = (scope.store().engine(), scope.organization());
    let mut binds: Vec<Bind> = Vec::new();
    let mut part = |shares: &str| {
        if !join.is_empty() {
            binds.push(organization.into());
        }
        binds.push(organization.into());
        let (among, plus) = (engine.among(keys, &mut binds), engine.not_by());
        format!(
            "{}{join} WHERE {plus}d.\"organization_id\" = {{}} AND {key} {among}",
            shares.replace("{key}", key)
        )
    };
    let shares = match of {
        CostSubject::Drafts => part(DRAFT_SHARES),
        CostSubject::Research => part(&research),
        CostSubject::Prospects | CostSubject::Companies => {
            format!("{} UNION ALL {}", part(DRAFT_SHARES), part(&research))
        }
    };
    let sum = match engine {
        Engine::Postgres => "round(sum(cost)::numeric, 10)::float8",
        Engine::Sqlite => "round(sum(cost), 10)",
    };
    let sql = format!("SELECT key, {sum} FROM ({shares}) s GROUP BY key");
    let rows = scope.store().query(&sql, binds).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

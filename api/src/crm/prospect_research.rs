//! AI research in GraphQL.

use engine::Scope;
use salesgraph_macros::Entity;
use service::{
    crm::prospect_research::{rules, table},
    usage::cost,
};

use super::prospect::Prospect;
use crate::usage::{costs, llm_usage_log::LlmUsageLog};
use graph::{Json, Many, One, RowView, error::Result};

/// AI research about a prospect.
#[derive(Entity)]
#[entity(table = table, plural = "prospectResearches", read = Read, writes = rules, write = Write)]
pub struct ProspectResearch {
    /// The prospect.
    pub prospect: One<Prospect>,
    /// Summary of the findings.
    pub research_summary: String,
    /// Structured findings, as the model returned them.
    pub key_insights: Option<Json>,
    /// Recommended solutions: a list of IDs or names.
    pub recommended_solutions: Option<Json>,
    /// Confidence, from 0 to 1.
    #[entity(sort)]
    pub confidence_score: Option<f64>,
    /// Language-model calls that produced the row.
    #[entity(pairs("prospect_research_usages", "prospect_research_id", "llm_usage_log_id"))]
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// Cost of the calls that produced the row, in US dollars. The cost of a call for several rows is divided among
    /// the rows.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::CostSubject::Research, &rows).await
}

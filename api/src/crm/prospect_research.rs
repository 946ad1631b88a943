//! AI research in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope,
    crm::prospect_research::{rules, table},
    usage::cost,
};

use super::prospect::Prospect;
use crate::{
    error::Result,
    graph::{Json, Many, One, RowView},
    usage::{costs, llm_usage_log::LlmUsageLog},
};

/// What AI found out about a prospect.
#[derive(Entity)]
#[entity(table = table, plural = "prospectResearches", writes = rules)]
pub struct ProspectResearch {
    /// The person it is about.
    pub prospect: One<Prospect>,
    /// The findings in short.
    pub research_summary: String,
    /// The findings in parts, as the model gave them.
    pub key_insights: Option<Json>,
    /// Solutions that the model recommends: a list of ids or names.
    pub recommended_solutions: Option<Json>,
    /// How sure the model is, from 0 to 1.
    #[entity(sort)]
    pub confidence_score: Option<f64>,
    /// The calls to language models that made it.
    #[entity(pairs("prospect_research_usages", "prospect_research_id", "llm_usage_log_id"))]
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// What those calls have cost, in US dollars; one that made several things counts its share.
    #[entity(computed = cost_to_date, needs("id"))]
    pub cost_to_date: f64,
}

async fn cost_to_date(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    costs(scope, cost::Of::Research, &rows).await
}

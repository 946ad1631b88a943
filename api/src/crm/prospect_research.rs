//! AI research in GraphQL.

use salesgraph_macros::Entity;
use service::crm::prospect_research::table;

use super::prospect::Prospect;
use crate::graph::{Json, One};

/// What AI found out about a prospect.
#[derive(Entity)]
#[entity(table = table, plural = "prospectResearches")]
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
}

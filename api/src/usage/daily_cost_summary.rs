//! Daily costs in GraphQL.

use salesgraph_macros::Entity;
use service::usage::daily_cost_summary::{CATEGORIES, table};

use graph::{DateTime, EnumColumn, EnumType, Vocabulary};

/// A daily cost summary: usage and cost of a provider and model on a UTC day, from both usage logs.
#[derive(Entity)]
#[entity(table = table, plural = "dailyCostSummaries", read = Read)]
pub struct DailyCostSummary {
    /// Start of the day.
    #[entity(sort)]
    pub date: DateTime,
    /// Kind of usage.
    pub category: EnumColumn<CostCategory>,
    /// Provider; empty if unknown.
    pub provider: String,
    /// Model or operation.
    pub model: String,
    /// Number of calls.
    pub calls: i32,
    /// Number of prompt tokens.
    pub input_tokens: f64,
    /// Number of completion tokens.
    pub output_tokens: f64,
    /// Quantity.
    pub quantity: f64,
    /// Total duration of the calls with a known duration, in milliseconds.
    pub latency_ms_total: f64,
    /// Number of calls with a known duration.
    pub timed_calls: i32,
    /// Cost in US dollars.
    pub cost_usd: f64,
    /// Cost of the calls that this server made, in US dollars: the part that counts towards the setting `daily_spend_limit`.
    pub server_cost_usd: f64,
}

/// `daily_cost_summaries.category`.
pub enum CostCategory {}

impl Vocabulary for CostCategory {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "CostCategory", about: "Category of cost.", words: CATEGORIES }
    }
}

//! What each day cost, in GraphQL.

use salesgraph_macros::Entity;
use service::usage::daily_cost_summary::{CATEGORIES, table};

use crate::graph::{DateTime, EnumType, Of, Vocabulary};

/// What a day cost with one provider and model, by the days of UTC: both ledgers together, kept in step with them.
#[derive(Entity)]
#[entity(table = table, plural = "dailyCostSummaries")]
pub struct DailyCostSummary {
    /// The beginning of the day.
    #[entity(sort)]
    pub date: DateTime,
    /// What was paid for.
    pub category: Of<CostCategory>,
    /// Who was paid; empty where that is not known.
    pub provider: String,
    /// The model, or what was done.
    pub model: String,
    /// How many calls.
    pub calls: i32,
    /// Tokens of prompts.
    pub input_tokens: f64,
    /// Tokens of answers.
    pub output_tokens: f64,
    /// How much was used.
    pub quantity: f64,
    /// How long the calls of a known duration took together, in milliseconds.
    pub latency_ms_total: f64,
    /// How many calls have a known duration.
    pub timed_calls: i32,
    /// What the calls cost, in US dollars.
    pub cost_usd: f64,
    /// What the calls cost that this server made: the part that counts towards the setting `daily_spend_limit`.
    pub server_cost_usd: f64,
}

/// `daily_cost_summaries.category`.
pub enum CostCategory {}

impl Vocabulary for CostCategory {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "CostCategory", about: "What was paid for.", words: CATEGORIES }
    }
}

//! The ledger of calls to language models in GraphQL.

use salesgraph_macros::Entity;
use service::usage::llm_usage_log::table;

/// One call to a language model: what it took and what it cost.
#[derive(Entity)]
#[entity(table = table, plural = "llmUsageLogs")]
pub struct LlmUsageLog {
    /// The workflow that made the call.
    pub workflow_name: String,
    /// The step of the workflow that made the call.
    pub node_name: String,
    /// The model, as its provider calls it.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i32,
    /// Tokens of the answer.
    pub completion_tokens: i32,
    /// Tokens together.
    #[entity(sort)]
    pub total_tokens: i32,
    /// How long the call took, in milliseconds.
    #[entity(sort)]
    pub latency_ms: i32,
    /// What the call cost, in US dollars.
    #[entity(sort)]
    pub cost: f64,
}

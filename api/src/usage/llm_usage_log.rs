//! The usage log of language-model calls in GraphQL.

use salesgraph_macros::Entity;
use service::usage::llm_usage_log::{rules, table};

use crate::{
    crm::prospect_research::ProspectResearch,
    ingest::{import_job::ImportJob, import_record::ImportRecord},
    outreach::outreach_draft::OutreachDraft,
};
use graph::{Many, One};

/// A call to a language model, with its usage and cost.
#[derive(Entity)]
#[entity(table = table, plural = "llmUsageLogs", read = Read, writes = rules, write = WriteAll)]
pub struct LlmUsageLog {
    /// The workflow that made the call.
    pub workflow_name: String,
    /// The step of the workflow that made the call.
    pub node_name: String,
    /// The model, as its provider calls it.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i32,
    /// Tokens of the completion.
    pub completion_tokens: i32,
    /// Total tokens.
    #[entity(sort)]
    pub total_tokens: i32,
    /// Duration of the call, in milliseconds; null if unknown.
    #[entity(sort)]
    pub latency_ms: Option<i32>,
    /// Cost of the call, in US dollars.
    #[entity(sort)]
    pub cost: f64,
    /// Provider of the model: `openai`.
    pub provider: Option<String>,
    /// Request ID of the provider.
    pub request_id: Option<String>,
    /// Endpoint: `/v1/chat/completions`.
    pub endpoint: Option<String>,
    /// HTTP status code.
    pub status_code: Option<i32>,
    /// Size of the request, in bytes.
    pub request_size_bytes: Option<i32>,
    /// Size of the response, in bytes.
    pub response_size_bytes: Option<i32>,
    /// Purpose of the prompt: `system`, `task`, `observation`, `error_recovery`.
    pub prompt_type: Option<String>,
    /// Finish reason: `stop`, `length`.
    pub finish_reason: Option<String>,
    /// Error of a failed call.
    pub error: Option<String>,
    /// Whether this server made the call and paid for it: only such calls count towards the setting
    /// `daily_spend_limit`.
    pub is_paid_by_server: bool,
    /// The enrichment that made the call.
    pub import_job: Option<One<ImportJob>>,
    /// The record that the call was made for.
    pub import_record: Option<One<ImportRecord>>,
    /// Outreach drafts that the call produced.
    #[entity(pairs("outreach_draft_usages", "llm_usage_log_id", "outreach_draft_id"))]
    pub outreach_drafts: Many<OutreachDraft>,
    /// Research that the call produced.
    #[entity(pairs("prospect_research_usages", "llm_usage_log_id", "prospect_research_id"))]
    pub prospect_researches: Many<ProspectResearch>,
}

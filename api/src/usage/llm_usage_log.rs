//! The ledger of calls to language models in GraphQL.

use salesgraph_macros::Entity;
use service::usage::llm_usage_log::{rules, table};

use crate::{
    crm::prospect_research::ProspectResearch,
    graph::{Many, One},
    ingest::{import_job::ImportJob, import_record::ImportRecord},
    outreach::outreach_draft::OutreachDraft,
};

/// One call to a language model: what it took and what it cost.
#[derive(Entity)]
#[entity(table = table, plural = "llmUsageLogs", writes = rules)]
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
    /// How long the call took, in milliseconds; null when that is not known.
    #[entity(sort)]
    pub latency_ms: Option<i32>,
    /// What the call cost, in US dollars.
    #[entity(sort)]
    pub cost: f64,
    /// Who runs the model: `openai`.
    pub provider: Option<String>,
    /// What the provider calls the request.
    pub request_id: Option<String>,
    /// Where it was asked: `/v1/chat/completions`.
    pub endpoint: Option<String>,
    /// The status of HTTP.
    pub status_code: Option<i32>,
    /// How large the request was, in bytes.
    pub request_size_bytes: Option<i32>,
    /// How large the answer was, in bytes.
    pub response_size_bytes: Option<i32>,
    /// What the prompt was for: `system`, `task`, `observation`, `error_recovery`.
    pub prompt_type: Option<String>,
    /// Why the answer ended: `stop`, `length`.
    pub finish_reason: Option<String>,
    /// Why the call failed.
    pub error: Option<String>,
    /// Whether this server made the call and paid for it: only such calls count towards the setting
    /// `daily_spend_limit`.
    pub is_paid_by_server: bool,
    /// The enrichment that it was done for.
    pub import_job: Option<One<ImportJob>>,
    /// Its record.
    pub import_record: Option<One<ImportRecord>>,
    /// The drafts that it made.
    #[entity(pairs("outreach_draft_usages", "llm_usage_log_id", "outreach_draft_id"))]
    pub outreach_drafts: Many<OutreachDraft>,
    /// The research that it made.
    #[entity(pairs("prospect_research_usages", "llm_usage_log_id", "prospect_research_id"))]
    pub prospect_researches: Many<ProspectResearch>,
}

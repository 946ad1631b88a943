//! Writes the usage of provider calls to the usage logs.

use chrono::{DateTime, Utc};
use engine::{error::Result, record::Record, value::Value, write::Unit};
use sea_orm::{ColumnTrait, QueryFilter};

use super::provider::UsageCharge;
use crate::usage::{llm_usage_log, service_usage_log};

/// Workflow name in the usage log.
const WORKFLOW: &str = "enrichment";

/// Logs the usage of a call, with its record and job if they still exist. Returns the primary key of the LLM usage log
/// for calls to a language model.
pub(super) async fn write(
    unit: &mut Unit,
    charge: &UsageCharge,
    id: String,
    job: Option<i64>,
    record: Option<i64>,
) -> Result<Option<i64>> {
    let text = |text: &str, most| Value::Text(text.replace('\0', "").chars().take(most).collect());
    let maybe = |told: Option<&String>, most| told.map_or(Value::Null, |told| text(told, most));
    // Both usage logs have these columns.
    macro_rules! call {
        ($table:ident) => {{
            use $table::Column;
            let mut row = Record::new($table::table());
            row.set(Column::Provider, text(&charge.provider, 50));
            row.set(Column::Cost, Value::Double(charge.cost));
            row.set(Column::LatencyMs, clamped_count(charge.latency_ms));
            row.set(Column::IsPaidByServer, Value::Bool(true));
            row.set(Column::StatusCode, charge.status_code.map_or(Value::Null, clamped_count));
            row.set(Column::RequestSizeBytes, clamped_count(charge.request_size));
            row.set(Column::ResponseSizeBytes, clamped_count(charge.response_size));
            row.set(Column::RequestId, text(&id, 255));
            row.set(Column::Error, maybe(charge.error.as_ref(), 2_000));
            row.set(Column::ImportJobId, job.map_or(Value::Null, Value::Int));
            row.set(Column::ImportRecordId, record.map_or(Value::Null, Value::Int));
            row
        }};
    }
    let is_llm = charge.model.is_some();
    let row = if let Some(model) = &charge.model {
        let mut row = call!(llm_usage_log);
        row.set(llm_usage_log::Column::WorkflowName, text(WORKFLOW, 255));
        row.set(llm_usage_log::Column::NodeName, text("look_up", 255));
        row.set(llm_usage_log::Column::Model, text(model, 255));
        row.set(llm_usage_log::Column::PromptTokens, clamped_count(charge.prompt_tokens));
        row.set(llm_usage_log::Column::CompletionTokens, clamped_count(charge.completion_tokens));
        row.set(
            llm_usage_log::Column::TotalTokens,
            clamped_count(charge.prompt_tokens.saturating_add(charge.completion_tokens)),
        );
        row.set(llm_usage_log::Column::Endpoint, text(&charge.operation, 2_000));
        row.set(llm_usage_log::Column::PromptType, text("task", 100));
        row.set(llm_usage_log::Column::FinishReason, maybe(charge.finish_reason.as_ref(), 50));
        row
    } else {
        let mut row = call!(service_usage_log);
        row.set(service_usage_log::Column::Kind, text("api_call", 20));
        row.set(service_usage_log::Column::Operation, text(&charge.operation, 255));
        row.set(service_usage_log::Column::Quantity, Value::Double(1.0));
        row.set(service_usage_log::Column::Unit, text("call", 20));
        row.set(
            service_usage_log::Column::Status,
            text(if charge.error.is_some() { "failed" } else { "success" }, 50),
        );
        row
    };
    let row = unit.insert(row).await?;
    Ok(is_llm.then(|| row.id()))
}

/// The request ID of a call in the usage log: the request ID of the provider, or else an ID derived from the lease
/// token.
pub(super) fn id(charge: &UsageCharge, token: &str, number: usize) -> String {
    let own = || format!("{token}/{number}");
    charge.request_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(own)
}

/// Whether the first of these calls has been logged since this timestamp.
pub(super) async fn has(
    unit: &Unit,
    charges: &[UsageCharge],
    token: &str,
    since: DateTime<Utc>,
) -> Result<bool> {
    let Some(charge) = charges.first() else { return Ok(true) };
    let id = id(charge, token, 0);
    macro_rules! calls {
        ($table:ident) => {
            unit.scope()
                .select::<$table::Entity>()
                .filter($table::Column::CreatedAt.gte(since))
                .filter($table::Column::RequestId.eq(id))
        };
    }
    let calls = if charge.model.is_some() {
        unit.count_of(calls!(llm_usage_log)).await?
    } else {
        unit.count_of(calls!(service_usage_log)).await?
    };
    Ok(calls > 0)
}

/// A count, clamped to a 32-bit column.
fn clamped_count(count: i64) -> Value {
    Value::Int(count.clamp(0, i32::MAX.into()))
}

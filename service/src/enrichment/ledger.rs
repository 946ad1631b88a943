//! Writes the usage of provider calls to the usage logs.

use chrono::{DateTime, Utc};
use engine::{
    error::Result,
    record::Record,
    value::{Kind, Value},
    write::Unit,
};

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
    let is_llm = charge.model.is_some();
    let table = if is_llm { llm_usage_log::table() } else { service_usage_log::table() };
    let mut row = Record::new(table);
    let text = |text: &str, most| Value::Text(text.replace('\0', "").chars().take(most).collect());
    let maybe = |told: Option<&String>, most| told.map_or(Value::Null, |told| text(told, most));
    row.set("provider", text(&charge.provider, 50));
    row.set("cost", Value::Double(charge.cost));
    row.set("latency_ms", clamped_count(charge.latency_ms));
    row.set("is_paid_by_server", Value::Bool(true));
    row.set("status_code", charge.status_code.map_or(Value::Null, clamped_count));
    row.set("request_size_bytes", clamped_count(charge.request_size));
    row.set("response_size_bytes", clamped_count(charge.response_size));
    row.set("request_id", text(&id, 255));
    row.set("error", maybe(charge.error.as_ref(), 2_000));
    row.set("import_job_id", job.map_or(Value::Null, Value::Int));
    row.set("import_record_id", record.map_or(Value::Null, Value::Int));
    if let Some(model) = &charge.model {
        row.set("workflow_name", text(WORKFLOW, 255));
        row.set("node_name", text("look_up", 255));
        row.set("model", text(model, 255));
        row.set("prompt_tokens", clamped_count(charge.prompt_tokens));
        row.set("completion_tokens", clamped_count(charge.completion_tokens));
        row.set(
            "total_tokens",
            clamped_count(charge.prompt_tokens.saturating_add(charge.completion_tokens)),
        );
        row.set("endpoint", text(&charge.operation, 2_000));
        row.set("prompt_type", text("task", 100));
        row.set("finish_reason", maybe(charge.finish_reason.as_ref(), 50));
    } else {
        row.set("kind", text("api_call", 20));
        row.set("operation", text(&charge.operation, 255));
        row.set("quantity", Value::Double(1.0));
        row.set("unit", text("call", 20));
        row.set("status", text(if charge.error.is_some() { "failed" } else { "success" }, 50));
    }
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
    let table =
        if charge.model.is_some() { llm_usage_log::table() } else { service_usage_log::table() };
    let sql = format!(
        "SELECT count(*) FROM \"{}\" WHERE \"organization_id\" = {{}} AND \"created_at\" >= {{}} \
         AND \"request_id\" = {{}}",
        table.name
    );
    let since = Value::Time(since).bind(Kind::Time);
    let binds = vec![unit.scope().organization().into(), since, id(charge, token, 0).into()];
    Ok(unit.count(&sql, binds).await? > 0)
}

/// A count, clamped to a 32-bit column.
fn clamped_count(count: i64) -> Value {
    Value::Int(count.clamp(0, i32::MAX.into()))
}

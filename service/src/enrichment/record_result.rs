//! Stores the result of enriching a record in one transaction: values, their provenance, usage logs, and the status of
//! the record and its job.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    record::Record,
    scope::Scope,
    value::Value,
    write::Unit,
};
use sea_orm::ColumnTrait;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ATTEMPTS, apply,
    cache::{self, mean},
    context::EnrichmentContext,
    drafts,
    field::Field,
    lease::Lease,
    ledger,
    provider::{Failure, ProviderResult, UsageCharge, Value as FoundValue, Variant},
};
use crate::{
    crm::{company, prospect},
    ingest::{
        import_job::{self, status as job_status},
        import_record::{self, status},
        note::{Note, NoteCode},
    },
    usage::service_usage_log::rounded,
};

/// Result of the provider calls for a record.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Found values, with their source and cost.
    pub(super) values: Vec<Sourced>,
    /// Message variants, with their source.
    pub(super) variants: Vec<(Variant, String)>,
    /// Usage of the calls, in call order.
    pub(super) charges: Vec<UsageCharge>,
    /// Responses to cache, by provider.
    pub(super) answers: Vec<Answered>,
    /// Providers with a cache hit.
    pub(super) hits: Vec<&'static str>,
    /// Why a provider call failed.
    pub(super) failure: Option<Failure>,
    /// Error message of the provider.
    pub(super) said: Option<String>,
    /// Duration, in milliseconds.
    pub(super) took_ms: i64,
}

/// A provider response with the fields that were requested.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) provider: &'static str,
    pub(super) wanted: Vec<Field>,
    pub(super) found: ProviderResult,
}

/// A value with its source and cost.
#[derive(Clone, Debug)]
pub(super) struct Sourced {
    pub(super) found: FoundValue,
    pub(super) source: String,
    pub(super) cost: f64,
}

/// How long the worker retries to store a paid result: for the duration of the lease of the record.
const PATIENCE: Duration = Duration::from_mins(5);

/// Maximum delay between retries.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Stores the result. Retries while the database is unavailable, because the calls have been paid for.
pub(super) async fn finish(scope: &Scope, claimed: &Lease, outcome: &Outcome) -> Result<()> {
    let (begun, first) = (Instant::now(), scope.now());
    let mut pause = Duration::from_millis(100);
    let mut first_attempt = None;
    loop {
        match Box::pin(store_result(scope, claimed, outcome, first_attempt)).await {
            Err(Error::Unavailable(why)) if begun.elapsed() < PATIENCE => {
                tracing::debug!(record = claimed.record, %why, "an enrichment result could not be stored yet");
                tokio::time::sleep(pause).await;
                pause = MAX_PAUSE.min(pause * 2);
                first_attempt = Some(first);
            }
            done => return done,
        }
    }
}

/// Stores the result. On a retry, `first_attempt` is the time of the first attempt.
async fn store_result(
    scope: &Scope,
    claimed: &Lease,
    outcome: &Outcome,
    first_attempt: Option<DateTime<Utc>>,
) -> Result<()> {
    let mut unit = Unit::begin(scope).await?;
    // Rows are locked in the global order: prospect, company, import rows, usage logs.
    let person = unit.find(prospect::table(), claimed.prospect).await?;
    let company = person.and_then(|person| person.number(prospect::Column::CompanyId));
    unit.find(company::table(), company.unwrap_or_default()).await?;
    let job = unit.find(import_job::table(), claimed.job).await?;
    let record = unit.find(import_record::table(), claimed.record).await?;
    let is_ours = record
        .as_ref()
        .is_some_and(|record| record.text(import_record::Column::LeaseToken) == claimed.token);
    if let (Some(first), false) = (first_attempt, is_ours)
        && ledger::has(&unit, &outcome.charges, &claimed.token, first).await?
    {
        // An earlier attempt was committed, and only the response of the database was lost.
        return Ok(());
    }
    let (job_id, record_id) = (job.as_ref().map(Record::id), record.as_ref().map(Record::id));
    let mut calls = Vec::new();
    for (number, charge) in outcome.charges.iter().enumerate() {
        let id = ledger::id(charge, &claimed.token, number);
        calls.extend(ledger::write(&mut unit, charge, id, job_id, record_id).await?);
    }
    let cost: f64 = outcome.charges.iter().map(|charge| charge.cost).sum();
    let tokens = outcome.charges.iter().fold(0_i64, |sum, charge| {
        sum.saturating_add(charge.prompt_tokens).saturating_add(charge.completion_tokens)
    });
    for answer in outcome.answers.iter().filter(|_| record.is_some()) {
        cache::keep(&unit, claimed, answer).await?;
    }
    for provider in &outcome.hits {
        cache::hit(&unit, provider, &claimed.ask.known).await?;
    }
    if let Some(before) = job {
        let mut job = before.clone();
        add_cost(&mut job, import_job::Column::ActualCost, cost);
        if let Some(record) = record {
            let mut after = record.clone();
            add_cost(&mut after, import_record::Column::Cost, cost);
            let used = record
                .number(import_record::Column::LlmTokensUsed)
                .unwrap_or_default()
                .saturating_add(tokens);
            after.set(import_record::Column::LlmTokensUsed, Value::Int(used.min(i32::MAX.into())));
            if is_ours {
                let people = [claimed.prospect];
                let companies: Vec<i64> = company.into_iter().collect();
                let mut context = EnrichmentContext::read(&unit).await?;
                context.read_found(&unit, &claimed.plan, &people, &companies).await?;
                let records = (&mut after, &mut job);
                settle(&mut unit, &mut context, claimed, outcome, &calls, records).await?;
                context.write(&mut unit).await?;
            }
            unit.update(&record, after).await?;
        }
        conclude(&unit, &mut job);
        unit.update(&before, job).await?;
    }
    unit.commit().await
}

fn add_cost<C: ColumnTrait>(row: &mut Record, column: C, cost: f64) {
    let Value::Double(before) = row.value(column) else { return };
    row.set(column, Value::Double(rounded(before + cost)));
}

/// Sets the new status of a record that this worker has leased, and applies the found values.
pub(super) async fn settle(
    unit: &mut Unit,
    context: &mut EnrichmentContext,
    claimed: &Lease,
    outcome: &Outcome,
    calls: &[i64],
    (record, job): (&mut Record, &mut Record),
) -> Result<()> {
    release(record);
    record.set(
        import_record::Column::ProcessingTimeMs,
        Value::Int(outcome.took_ms.clamp(0, i32::MAX.into())),
    );
    let is_stopped =
        matches!(job.text(import_job::Column::Status), job_status::UNDOING | job_status::UNDONE);
    let why = |failure: &Failure| noted(failure.note().clone());
    let said = outcome.failure.as_ref().and(outcome.said.clone());
    record.set(import_record::Column::ProviderMessage, said.map_or(Value::Null, Value::Text));
    match &outcome.failure {
        _ if is_stopped => {
            over(unit, record, job, status::SKIPPED, Some(NoteCode::JobUndone.into()));
            return Ok(());
        }
        None => {}
        Some(failure @ Failure::Misconfigured(told)) => {
            // A configuration error affects all records, so the job stops and the attempt does not count.
            record.set(import_record::Column::Status, Value::Text(status::PENDING.to_owned()));
            record.set(import_record::Column::ProcessingAttempts, Value::Int(claimed.attempt - 1));
            record.set(import_record::Column::LastError, why(failure));
            if matches!(
                job.text(import_job::Column::Status),
                job_status::PROCESSING | job_status::PENDING
            ) {
                job.set(import_job::Column::Status, Value::Text(job_status::FAILED.to_owned()));
                job.set(import_job::Column::Error, noted(told.clone()));
            }
            return Ok(());
        }
        Some(failure @ Failure::Later(_, told)) if claimed.attempt < ATTEMPTS => {
            record.set(import_record::Column::Status, Value::Text(status::PENDING.to_owned()));
            record.set(import_record::Column::LastError, why(failure));
            let told = told.and_then(|wait| TimeDelta::from_std(wait).ok());
            let wait = pause(claimed.record, claimed.attempt).max(told.unwrap_or_default());
            record.set(import_record::Column::NextAttemptAt, Value::Time(unit.now() + wait));
            return Ok(());
        }
        Some(failure) => over(unit, record, job, status::FAILED, Some(failure.note().clone())),
    }
    // The results of the providers that succeeded before the permanent failure are applied, because the calls have
    // been paid for.
    let applied = apply::apply(unit, context, claimed, outcome).await?;
    let has_failed = outcome.failure.is_some();
    let Some(applied) = applied else {
        if !has_failed {
            over(unit, record, job, status::SKIPPED, Some(NoteCode::ProspectDeleted.into()));
        }
        return Ok(());
    };
    if !has_failed {
        over(unit, record, job, status::ENRICHED, None);
        let variants = drafts::make(unit, claimed, outcome, calls, &applied).await?;
        if !variants.is_empty() {
            record.set(
                import_record::Column::GeneratedContent,
                Value::Json(json!({ "variants": variants })),
            );
        }
    }
    record.set(import_record::Column::EnrichedData, Value::Json(applied.told));
    let confidence = mean(outcome.values.iter().map(|value| value.found.confidence));
    record.set(
        import_record::Column::EnrichmentConfidence,
        confidence.map_or(Value::Null, Value::Double),
    );
    record.set(import_record::Column::DataCompleteness, Value::Double(applied.completeness));
    Ok(())
}

/// Completes a record with this status. Unless the record was enriched, `why` is the reason.
fn over(
    unit: &Unit,
    record: &mut Record,
    job: &mut Record,
    state: &'static str,
    why: Option<Note>,
) {
    record.set(import_record::Column::Status, Value::Text(state.to_owned()));
    record.set(import_record::Column::LastError, why.map_or(Value::Null, noted));
    record.set(import_record::Column::ProcessedAt, Value::Time(unit.now()));
    count(
        job,
        match state {
            status::ENRICHED => import_job::Column::EnrichedRecords,
            status::FAILED => import_job::Column::FailedRecords,
            _ => import_job::Column::SkippedRecords,
        },
    );
}

/// A note in its stored form, as a column value.
pub(super) fn noted(note: Note) -> Value {
    Note::stored(&[note]).map_or(Value::Null, Value::Text)
}

/// Releases the lease and the reserved cost of a record.
fn release(record: &mut Record) {
    for column in [
        import_record::Column::LeaseUntil,
        import_record::Column::LeaseToken,
        import_record::Column::NextAttemptAt,
    ] {
        record.set(column, Value::Null);
    }
    record.set(import_record::Column::ReservedCost, Value::Double(0.0));
}

/// Increments a counter of the job and its number of processed records.
fn count(job: &mut Record, column: import_job::Column) {
    for column in [column, import_job::Column::ProcessedRecords] {
        job.set(column, Value::Int(job.number(column).unwrap_or_default() + 1));
    }
}

/// The backoff before the next attempt: two to the power of `attempt` in minutes, plus a jitter of up to half of that.
/// The jitter is derived from the record, so that records that failed together are not retried together.
fn pause(record: i64, attempt: i64) -> chrono::TimeDelta {
    let minutes = 1_i64 << attempt.clamp(0, 16);
    let seconds = minutes * 60;
    let hash = xxh3_64(format!("{record}/{attempt}").as_bytes());
    let jitter = i64::try_from(hash % u64::try_from(seconds / 2).unwrap_or(1)).unwrap_or_default();
    chrono::TimeDelta::seconds(seconds + jitter)
}

/// Completes a record without calling providers.
pub(super) async fn close(
    unit: &mut Unit,
    job: &mut Record,
    record: &Record,
    state: &'static str,
    why: NoteCode,
) -> Result<()> {
    let mut after = record.clone();
    release(&mut after);
    over(unit, &mut after, job, state, Some(why.into()));
    unit.update(record, after).await?;
    Ok(())
}

/// Completes a job when all its records are processed. The job fails if some records failed and none was enriched.
pub(super) fn conclude(unit: &Unit, job: &mut Record) {
    let open = [job_status::PROCESSING, job_status::PENDING, job_status::PAUSED];
    let number = |column: import_job::Column| job.number(column).unwrap_or_default();
    if !open.contains(&job.text(import_job::Column::Status))
        || number(import_job::Column::ProcessedRecords) < number(import_job::Column::TotalRecords)
    {
        return;
    }
    let failed = number(import_job::Column::FailedRecords) > 0
        && number(import_job::Column::EnrichedRecords) == 0;
    let state = if failed { job_status::FAILED } else { job_status::COMPLETED };
    let error = failed.then(|| noted(NoteCode::AllRecordsFailed.into()));
    job.set(import_job::Column::Error, error.unwrap_or(Value::Null));
    job.set(import_job::Column::Status, Value::Text(state.to_owned()));
    job.set(import_job::Column::CompletedAt, Value::Time(unit.now()));
    job.set(import_job::Column::ResumesAt, Value::Null);
}

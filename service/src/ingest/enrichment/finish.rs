//! Keeps what came of asking about a record: in one transaction values, where they came from, what it cost, and the state
//! of record and job.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ATTEMPTS, apply,
    cache::{self, mean},
    claim::Claimed,
    drafts,
    field::Field,
    ledger,
    provider::{Charge, Failure, Found, Value as FoundValue, Variant},
};
use crate::{
    crm::{company, prospect},
    error::{Error, Result},
    ingest::note::{Note, NoteCode},
    ingest::{
        import_job::{self, status as job_status},
        import_record::{self, status},
    },
    scope::Scope,
    usage::service_usage_log::rounded,
    value::Value,
    write::{Record, Unit},
};

/// What came of asking.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What was found, by whom, and what it cost.
    pub(super) values: Vec<Sourced>,
    /// Ways of writing to the person, and by whom they were written.
    pub(super) variants: Vec<(Variant, String)>,
    /// What calls took, in their order.
    pub(super) charges: Vec<Charge>,
    /// What is to be kept for others, by provider.
    pub(super) answers: Vec<Answered>,
    /// Providers whose answers were there already.
    pub(super) hits: Vec<&'static str>,
    /// Why a provider could not be asked.
    pub(super) failure: Option<Failure>,
    /// What it said of that itself.
    pub(super) said: Option<String>,
    /// How long it took, in milliseconds.
    pub(super) took_ms: i64,
}

/// What a provider answered, and what it was asked about.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) provider: &'static str,
    pub(super) wanted: Vec<Field>,
    pub(super) found: Found,
}

/// A value, and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Sourced {
    pub(super) found: FoundValue,
    pub(super) source: String,
    pub(super) cost: f64,
}

/// How long it is tried to keep what was paid for: as long as the record is ours.
const PATIENCE: Duration = Duration::from_mins(5);

/// The longest pause in between.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps what came of asking. A database that does not answer is asked again: money was spent.
pub(super) async fn finish(scope: &Scope, claimed: &Claimed, outcome: &Outcome) -> Result<()> {
    let (begun, first) = (Instant::now(), scope.now());
    let mut pause = Duration::from_millis(100);
    let mut again = None;
    loop {
        match Box::pin(once(scope, claimed, outcome, again)).await {
            Err(Error::Unavailable(why)) if begun.elapsed() < PATIENCE => {
                tracing::debug!(record = claimed.record, %why, "an answer could not be kept yet");
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
                again = Some(first);
            }
            done => return done,
        }
    }
}

/// Keeps what came of asking; `again` since when it was tried before.
async fn once(
    scope: &Scope,
    claimed: &Claimed,
    outcome: &Outcome,
    again: Option<DateTime<Utc>>,
) -> Result<()> {
    let mut unit = Unit::begin(scope).await?;
    // In the order in which everybody else holds them: the person, their company, the rows of lists, the ledgers.
    let person = unit.find(prospect::table(), claimed.prospect).await?;
    let company = person.and_then(|person| person.number("company_id"));
    unit.find(company::table(), company.unwrap_or_default()).await?;
    let job = unit.find(import_job::table(), claimed.job).await?;
    let record = unit.find(import_record::table(), claimed.record).await?;
    let is_ours = record.as_ref().is_some_and(|record| record.text("lease_token") == claimed.token);
    if let (Some(first), false) = (again, is_ours)
        && ledger::has(&unit, &outcome.charges, &claimed.token, first).await?
    {
        // It was committed before, and only the answer was lost.
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
        add_cost(&mut job, "actual_cost", cost);
        if let Some(record) = record {
            let mut after = record.clone();
            add_cost(&mut after, "cost", cost);
            let used = record.number("llm_tokens_used").unwrap_or_default().saturating_add(tokens);
            after.set("llm_tokens_used", Value::Int(used.min(i32::MAX.into())));
            if is_ours {
                settle(&mut unit, claimed, outcome, &calls, &mut after, &mut job).await?;
            }
            unit.update(&record, after).await?;
        }
        conclude(&unit, &mut job);
        unit.update(&before, job).await?;
    }
    unit.commit().await
}

fn add_cost(row: &mut Record, column: &str, cost: f64) {
    let Value::Double(before) = row.value(column) else { return };
    row.set(column, Value::Double(rounded(before + cost)));
}

/// Brings a record that is ours into the state that follows.
async fn settle(
    unit: &mut Unit,
    claimed: &Claimed,
    outcome: &Outcome,
    calls: &[i64],
    record: &mut Record,
    job: &mut Record,
) -> Result<()> {
    release(record);
    record.set("processing_time_ms", Value::Int(outcome.took_ms.clamp(0, i32::MAX.into())));
    let is_stopped = matches!(job.text("status"), job_status::UNDOING | job_status::UNDONE);
    let why = |failure: &Failure| noted(failure.note().clone());
    let said = outcome.failure.as_ref().and(outcome.said.clone());
    record.set("provider_message", said.map_or(Value::Null, Value::Text));
    match &outcome.failure {
        _ if is_stopped => {
            over(unit, record, job, status::SKIPPED, Some(NoteCode::JobUndone.into()));
            return Ok(());
        }
        None => {}
        Some(failure @ Failure::Misconfigured(told)) => {
            // Nobody's fault but ours: the others need not be tried, and this one was not.
            record.set("status", Value::Text(status::PENDING.to_owned()));
            record.set("processing_attempts", Value::Int(claimed.attempt - 1));
            record.set("last_error", why(failure));
            if matches!(job.text("status"), job_status::PROCESSING | job_status::PENDING) {
                job.set("status", Value::Text(job_status::FAILED.to_owned()));
                job.set("error", noted(told.clone()));
            }
            return Ok(());
        }
        Some(failure @ Failure::Later(_, told)) if claimed.attempt < ATTEMPTS => {
            record.set("status", Value::Text(status::PENDING.to_owned()));
            record.set("last_error", why(failure));
            let told = told.and_then(|wait| TimeDelta::from_std(wait).ok());
            let wait = pause(claimed.record, claimed.attempt).max(told.unwrap_or_default());
            record.set("next_attempt_at", Value::Time(unit.now() + wait));
            return Ok(());
        }
        Some(failure) => over(unit, record, job, status::FAILED, Some(failure.note().clone())),
    }
    // What others found before one failed for good is paid for, and kept.
    let applied = apply::apply(unit, claimed, outcome).await?;
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
            record.set("generated_content", Value::Json(json!({ "variants": variants })));
        }
    }
    record.set("enriched_data", Value::Json(applied.told));
    let confidence = mean(outcome.values.iter().map(|value| value.found.confidence));
    record.set("enrichment_confidence", confidence.map_or(Value::Null, Value::Double));
    record.set("data_completeness", Value::Double(applied.completeness));
    Ok(())
}

/// A record is over in this way; `why`, where it is not as it was meant.
fn over(
    unit: &Unit,
    record: &mut Record,
    job: &mut Record,
    state: &'static str,
    why: Option<Note>,
) {
    record.set("status", Value::Text(state.to_owned()));
    record.set("last_error", why.map_or(Value::Null, noted));
    record.set("processed_at", Value::Time(unit.now()));
    count(
        job,
        match state {
            status::ENRICHED => "enriched_records",
            status::FAILED => "failed_records",
            _ => "skipped_records",
        },
    );
}

/// A note as a column holds it.
pub(super) fn noted(note: Note) -> Value {
    Note::stored(&[note]).map_or(Value::Null, Value::Text)
}

/// Nobody asks about a record any more, and nothing is held back for it.
fn release(record: &mut Record) {
    for column in ["lease_until", "lease_token", "next_attempt_at"] {
        record.set(column, Value::Null);
    }
    record.set("reserved_cost", Value::Double(0.0));
}

/// One more is over in this way.
fn count(job: &mut Record, column: &str) {
    for column in [column, "processed_records"] {
        job.set(column, Value::Int(job.number(column).unwrap_or_default() + 1));
    }
}

/// How long it takes until a record is tried again: two to the power of attempts in minutes, and up to half as much, which
/// follows from the record, so that those which failed together don't come back together.
fn pause(record: i64, attempt: i64) -> chrono::TimeDelta {
    let minutes = 1_i64 << attempt.clamp(0, 16);
    let seconds = minutes * 60;
    let hash = xxh3_64(format!("{record}/{attempt}").as_bytes());
    let jitter = i64::try_from(hash % u64::try_from(seconds / 2).unwrap_or(1)).unwrap_or_default();
    chrono::TimeDelta::seconds(seconds + jitter)
}

/// Ends a record about which nobody is asked.
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

/// Ends a job of which all records are over: it failed when nothing came of any.
pub(super) fn conclude(unit: &Unit, job: &mut Record) {
    let open = [job_status::PROCESSING, job_status::PENDING, job_status::PAUSED];
    let number = |column| job.number(column).unwrap_or_default();
    if !open.contains(&job.text("status")) || number("processed_records") < number("total_records")
    {
        return;
    }
    let failed = number("failed_records") > 0 && number("enriched_records") == 0;
    let state = if failed { job_status::FAILED } else { job_status::COMPLETED };
    let error = failed.then(|| noted(NoteCode::AllRecordsFailed.into()));
    job.set("error", error.unwrap_or(Value::Null));
    job.set("status", Value::Text(state.to_owned()));
    job.set("completed_at", Value::Time(unit.now()));
    job.set("resumes_at", Value::Null);
}

//! Actions on jobs (commit, pause, resume, cancel, retry, undo) and on rows (decide, correct).

use chrono::{DateTime, Utc};
use engine::{
    enum_values::display,
    error::{Problem, Result},
    normal_form::country,
    policy::Permission,
    record::Record,
    scope::Scope,
    value::Value,
    write::{IdempotentRequest, Unit, idempotency},
};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};

use super::{
    companies::Companies, contact::Contact, file_duplicates::PreviousRows, matching::People,
    verdict::judge,
};
use crate::ingest::{
    import_job::{self, LIFE, LIFE_OF_ENRICHMENT, kind, status},
    import_record::{self, promotion, verdict},
};

/// An action on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobAction {
    /// Writes the rows. The value is the decision on rows with match candidates, one of
    /// [`import_job::DECISIONS`].
    Commit(String),
    /// Stops the job until it is resumed.
    Pause,
    /// Resumes a paused job.
    Resume,
    /// Ends the job without writing the remaining rows.
    Cancel,
    /// Retries failed rows.
    Retry,
    /// Reverts the written rows.
    Undo,
}

impl JobAction {
    fn name(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Undo => "undo",
        }
    }
}

/// Applies an action to a job and returns the primary key of the job. [`Worker`](super::Worker) or [`run`](super::run)
/// does the actual work.
///
/// # Errors
/// [`engine::Error::Refused`] if the status of the job does not allow the action.
pub async fn act(
    scope: &Scope,
    job: i64,
    act: JobAction,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let before = unit.get(import_job::table(), job, "id").await?;
            let state = before.text(import_job::Column::Status);
            let is_enrichment = before.text(import_job::Column::Kind) == kind::ENRICHMENT;
            let life = if is_enrichment { LIFE_OF_ENRICHMENT } else { LIFE };
            // A migrated enrichment may have a running status although no server works on it.
            let is_left = is_enrichment && state == status::PROCESSING && !before.has(import_job::Column::ResumesAt);
            let state = if is_left { status::PAUSED } else { state };
            let life = life.iter().find(|(name, ..)| *name == act.name());
            let Some((_, to, _)) = life.filter(|(_, _, from)| from.contains(&state)) else {
                let from = life.map_or(&[][..], |(.., from)| from);
                let message = format!(
                    "the job is {}; to {} a job, its status must be {}",
                    state.to_uppercase(),
                    act.name(),
                    display(from)
                );
                return Err(Problem::conflict(engine::Reason::ImportStatusConflict, "id", message).into());
            };
            let never_looked = state == status::FAILED && !before.has(import_job::Column::StartedAt);
            let half_undone = before.number(import_job::Column::UndoneRecords) > Some(0);
            if *to == status::PROCESSING && (never_looked || half_undone) {
                let message = if never_looked {
                    "the preview of the import did not finish; upload the file again"
                } else {
                    "the job is partly undone; undo the remaining rows"
                };
                return Err(Problem::conflict(engine::Reason::ImportStatusConflict, "id", message).into());
            }
            if *to == status::PROMOTING && !has_strangers(unit, job).await? {
                let message = "the job has no records to create prospects from: it is empty, or all have a prospect";
                return Err(Problem::conflict(engine::Reason::ImportEmpty, "id", message).into());
            }
            if is_enrichment && *to == status::PROCESSING && has_strangers(unit, job).await? {
                let message = "no prospects have been created from the records of the job yet; commit it first";
                return Err(Problem::conflict(engine::Reason::ImportNotCommitted, "id", message).into());
            }
            let mut after = before.clone();
            after.set(import_job::Column::Status, Value::Text((*to).to_owned()));
            if *to == status::PROMOTING {
                import_job::promoting(&mut after, before.text(import_job::Column::Status));
            } else {
                after.set(import_job::Column::Error, Value::Null);
            }
            match act {
                JobAction::Commit(decision) => after.set(import_job::Column::CandidateDecision, Value::Text(decision)),
                JobAction::Retry if is_enrichment => ask_again(unit, job, &mut after).await?,
                JobAction::Retry => again(unit, job, &mut after).await?,
                _ => {}
            }
            if is_enrichment {
                let runs = *to == status::PROCESSING;
                let moment = if runs { Value::Time(unit.now()) } else { Value::Null };
                after.set(import_job::Column::ResumesAt, moment);
            }
            if matches!(*to, status::PROCESSING | status::PROMOTING | status::UNDOING) {
                running(unit, &mut after);
            }
            unit.update(&before, after).await?;
            Ok(job)
        })
    })
    .await
}

/// Records the actor who started the job, and the start time.
fn running(unit: &Unit, job: &mut Record) {
    let by = unit.scope().actor().label().chars().take(300).collect();
    job.set(import_job::Column::CommittedBy, Value::Text(by));
    if !job.has(import_job::Column::StartedAt) {
        job.set(import_job::Column::StartedAt, Value::Time(unit.now()));
    }
}

/// Resets failed rows for a retry.
async fn again(unit: &Unit, job: i64, after: &mut Record) -> Result<()> {
    use import_record::Column;
    let failed = unit
        .scope()
        .update::<import_record::Entity>()
        .col_expr(Column::PromotionStatus, Expr::value(promotion::NONE))
        .col_expr(Column::LastError, Expr::value(None::<String>))
        .col_expr(Column::ProviderMessage, Expr::value(None::<String>))
        .filter(Column::ImportJobId.eq(job))
        .filter(Column::PromotionStatus.eq(promotion::FAILED))
        .filter(Column::Verdict.ne(verdict::ERROR));
    let rows = unit.run(&failed).await?;
    let rows = i64::try_from(rows).unwrap_or_default();
    count(after, import_job::Column::FailedRecords, -rows);
    Ok(())
}

/// Whether a job has records that have not been promoted to prospects yet.
async fn has_strangers(unit: &Unit, job: i64) -> Result<bool> {
    let strangers = unit
        .scope()
        .select::<import_record::Entity>()
        .filter(import_record::Column::ImportJobId.eq(job))
        .filter(import_record::Column::PromotionStatus.eq(promotion::NONE));
    Ok(unit.count_of(strangers).await? > 0)
}

/// Resets failed records of an enrichment for a retry.
async fn ask_again(unit: &Unit, job: i64, after: &mut Record) -> Result<()> {
    use import_record::Column;
    let failed = unit
        .scope()
        .update::<import_record::Entity>()
        .col_expr(Column::Status, Expr::value(import_record::status::PENDING))
        .col_expr(Column::ProcessingAttempts, Expr::value(0))
        .col_expr(Column::NextAttemptAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Column::LastError, Expr::value(None::<String>))
        .col_expr(Column::ProviderMessage, Expr::value(None::<String>))
        .filter(Column::ImportJobId.eq(job))
        .filter(Column::Status.eq(import_record::status::FAILED));
    let rows = unit.run(&failed).await?;
    let rows = i64::try_from(rows).unwrap_or_default();
    count(after, import_job::Column::FailedRecords, -rows);
    Ok(())
}

/// Adds `rows`, which may be negative, to a counter and to the processed records.
fn count(job: &mut Record, column: import_job::Column, rows: i64) {
    for column in [column, import_job::Column::ProcessedRecords] {
        job.set(column, Value::Int(job.number(column).unwrap_or_default() + rows));
    }
}

/// The job of a row. It is locked before the row.
pub(super) async fn job_of(unit: &mut Unit, record: i64) -> Result<Record> {
    let record = unit.peek(import_record::table(), record).await?;
    let job = record.and_then(|record| record.number(import_record::Column::ImportJobId));
    let job = job.ok_or_else(|| Problem::not_found("id", import_record::table().called))?;
    let job = unit.get(import_job::table(), job, "id").await?;
    let open = [status::PENDING, status::PROCESSING, status::PAUSED, status::COMPLETED];
    if open.contains(&job.text(import_job::Column::Status)) {
        return Ok(job);
    }
    let message =
        format!("the job of the row is {}", job.text(import_job::Column::Status).to_uppercase());
    Err(Problem::conflict(engine::Reason::ImportStatusConflict, "id", message).into())
}

/// Restarts a job that has already written its rows, so that rows that have become writable since are written too.
pub(super) async fn write_on(unit: &mut Unit, before: &Record, mut after: Record) -> Result<()> {
    if before.text(import_job::Column::Kind) == kind::ENRICHMENT {
        import_job::promoting(&mut after, before.text(import_job::Column::Status));
        after.set(import_job::Column::Status, Value::Text(status::PROMOTING.to_owned()));
        running(unit, &mut after);
    } else if before.text(import_job::Column::Status) == status::COMPLETED {
        after.set(import_job::Column::Status, Value::Text(status::PROCESSING.to_owned()));
        running(unit, &mut after);
    }
    unit.update(before, after).await?;
    Ok(())
}

/// Corrects a row that has not been written yet. `values` are keyed by the fields of a [`mapping`](super::mapping),
/// except fields that are parts of another field. The row gets a new verdict; if the import is completed, the row is
/// written immediately. Returns the primary key of the row.
///
/// # Errors
/// [`engine::Error::Refused`] if the row has already been written, or is still invalid.
pub async fn repair(
    scope: &Scope,
    record: i64,
    values: Vec<(&'static str, Option<String>)>,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let job = job_of(unit, record).await?;
            let before = unit.get(import_record::table(), record, "id").await?;
            let was_failed =
                before.text(import_record::Column::PromotionStatus) == promotion::FAILED;
            if !was_failed && before.text(import_record::Column::PromotionStatus) != promotion::NONE
            {
                let state = before.text(import_record::Column::PromotionStatus).to_uppercase();
                return Err(Problem::conflict(
                    engine::Reason::ImportStatusConflict,
                    "id",
                    format!("the row is {state} and can't be changed"),
                )
                .into());
            }
            let country = match job.value(import_job::Column::Options) {
                Value::Json(options) => options["country"].as_str().and_then(country::of_code),
                _ => None,
            };
            let lead = Contact::of(&before)?.repaired(values, country)?;
            let mut companies = Companies::default();
            companies.refresh(unit).await?;
            let company = companies.of(&lead);
            let people = People::load(unit, std::iter::once((&lead, company))).await?;
            let verdict = judge(&lead, &[], &people, &companies, &PreviousRows::default());
            if verdict.word == verdict::ERROR {
                return Err(verdict.refused());
            }
            let mut after = before.clone();
            lead.put(&mut after)?;
            let open = verdict.is_open();
            verdict.put(&mut after);
            after.set(import_record::Column::LastError, Value::Null);
            after.set(import_record::Column::Decision, Value::Null);
            unit.update(&before, after).await?;
            let mut counted = job.clone();
            // Enrichment jobs count records by their enrichment status.
            let is_list = job.text(import_job::Column::Kind) == kind::LIST;
            if was_failed && is_list {
                count(&mut counted, import_job::Column::FailedRecords, -1);
            }
            if !open && is_list {
                count(&mut counted, import_job::Column::SkippedRecords, 1);
            }
            write_on(unit, &job, counted).await?;
            Ok(record)
        })
    })
    .await
}

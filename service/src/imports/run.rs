//! Runs started jobs, chunk by chunk and with one transaction per chunk, until no rows are left.
//!
//! The transaction is the lease: the process that holds the row lock of the job works on it. An interrupted transaction
//! leaves only unprocessed rows behind.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use engine::{
    clock::Clock,
    error::{Error, Result},
    policy::Role,
    progress::Progress,
    reason::Reason,
    record::Record,
    scope::{Actor, Scope},
    store::Store,
    value::{Kind, Value},
    write::{GrowthStatistics, Unit},
};

use super::{CHUNK, commit, companies::Companies, undo};
use crate::{
    crm::{company, prospect},
    enrichment,
    ingest::{
        import_job::{self, kind, status},
        import_record,
        note::NoteCode,
    },
};

/// How long a preview may go without progress before its job is marked as failed.
const STANDS_STILL: TimeDelta = TimeDelta::minutes(10);

/// How often the worker checks for stalled previews.
const OFTEN: Duration = Duration::from_mins(5);

/// What is kept in memory between the chunks of a job.
#[derive(Debug, Default)]
struct JobCache {
    companies: Companies,
    statistics: GrowthStatistics,
}

/// Result of processing one chunk of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This many rows were processed, and more are left.
    More(u64),
    /// This many rows were processed, and none are left.
    Last(u64),
    /// Another process works on the job.
    Busy,
    /// The job has no work for this worker.
    Idle,
}

/// Runs a started job to its end and returns the updated job.
///
/// # Errors
/// [`Error::Refused`] if there is no such job; [`Error::Unavailable`] if the database does not respond. Processed rows
/// are kept, and another call resumes with the remaining rows.
pub async fn run(scope: &Scope, job: i64, progress: &dyn Progress) -> Result<Record> {
    let mut cache = JobCache::default();
    let mut unit = Unit::begin(scope).await?;
    let begun = unit.get(import_job::table(), job, "id").await?;
    drop(unit);
    let number = |column: import_job::Column| begun.number(column).unwrap_or_default();
    let (name, rows) = match begun.text(import_job::Column::Status) {
        status::UNDOING => (
            "undoing",
            number(import_job::Column::CreatedRecords) + number(import_job::Column::UpdatedRecords),
        ),
        _ => (
            "writing",
            number(import_job::Column::TotalRecords) - number(import_job::Column::ProcessedRecords),
        ),
    };
    progress.begin(name, u64::try_from(rows).ok());
    loop {
        match step(scope, job, &mut cache).await? {
            Step::More(rows) => progress.advance(rows),
            Step::Last(rows) => {
                progress.advance(rows);
                break;
            }
            Step::Busy => tokio::time::sleep(Duration::from_millis(200)).await,
            Step::Idle => break,
        }
    }
    progress.finish();
    let mut unit = Unit::begin(scope).await?;
    unit.get(import_job::table(), job, "id").await
}

/// Processes the next rows of a job. If a company of these rows is deleted meanwhile, nothing is written, and the next
/// call processes them again.
async fn step(scope: &Scope, job: i64, cache: &mut JobCache) -> Result<Step> {
    match write_rows(scope, job, &mut cache.companies).await {
        Err(Error::Refused(problems))
            if problems.iter().all(|problem| {
                matches!(problem.reason, Reason::RowDeleted | Reason::RowMerged)
            }) =>
        {
            cache.companies = Companies::default();
            Ok(Step::Busy)
        }
        Ok(step @ Step::More(_)) => {
            let tables = [company::table(), prospect::table(), import_record::table()];
            cache.statistics.chunk_committed(scope.store(), &tables).await;
            Ok(step)
        }
        done => done,
    }
}

async fn write_rows(scope: &Scope, job: i64, companies: &mut Companies) -> Result<Step> {
    let mut unit = Unit::begin(scope).await?;
    let Some(before) = unit.claim(import_job::table(), job).await? else {
        return Ok(Step::Busy);
    };
    let mut after = before.clone();
    let mut add = |column: import_job::Column, count: i64| {
        after.set(column, Value::Int(before.number(column).unwrap_or_default() + count));
    };
    let is_enrichment = before.text(import_job::Column::Kind) == kind::ENRICHMENT;
    let rows = match before.text(import_job::Column::Status) {
        // The enrichment worker processes these jobs.
        status::PROCESSING if is_enrichment => return Ok(Step::Idle),
        status::PROCESSING => {
            let decision = before.text(import_job::Column::CandidateDecision);
            let records = commit::next(&unit, job, decision).await?;
            let written = commit::write(&mut unit, &records, decision, companies).await?;
            let commit::Written { created, updated, skipped, failed } = written;
            add(import_job::Column::CreatedRecords, created);
            add(import_job::Column::UpdatedRecords, updated);
            add(import_job::Column::SkippedRecords, skipped);
            add(import_job::Column::FailedRecords, failed);
            add(import_job::Column::ProcessedRecords, created + updated + skipped + failed);
            records.len()
        }
        // Records are already counted by their enrichment status; only created and updated prospects are added.
        status::PROMOTING => {
            let decision = before.text(import_job::Column::CandidateDecision);
            let records = commit::next(&unit, job, decision).await?;
            let written = commit::write(&mut unit, &records, decision, companies).await?;
            add(import_job::Column::CreatedRecords, written.created);
            add(import_job::Column::UpdatedRecords, written.updated);
            enrichment::write_to(&mut unit, &records).await?;
            records.len()
        }
        // The undo reverts found values first, then drafts, then prospects.
        status::UNDOING if is_enrichment => {
            let found = enrichment::next_to_undo(&unit, job, CHUNK).await?;
            let (mut undone, mut kept) = enrichment::take_back(&mut unit, &found).await?;
            let mut rows = found.len();
            if rows < CHUNK {
                rows = enrichment::take_out(&mut unit, job, CHUNK).await?;
            }
            if rows < CHUNK {
                let records = undo::next(&unit, job).await?;
                let (people, left) = undo::take_back(&mut unit, &records).await?;
                (undone, kept, rows) = (undone + people, kept + left, records.len());
            }
            add(import_job::Column::UndoneRecords, undone);
            add(import_job::Column::KeptRecords, kept);
            rows
        }
        status::UNDOING => {
            let records = undo::next(&unit, job).await?;
            let (undone, kept) = undo::take_back(&mut unit, &records).await?;
            add(import_job::Column::UndoneRecords, undone);
            add(import_job::Column::KeptRecords, kept);
            records.len()
        }
        _ => return Ok(Step::Idle),
    };
    let last = rows < CHUNK;
    if last {
        if before.text(import_job::Column::Status) == status::PROMOTING {
            import_job::promoted(&mut after);
            unit.update(&before, after).await?;
            unit.commit().await?;
            return Ok(Step::Last(rows as u64));
        }
        let (state, moment) = match before.text(import_job::Column::Status) {
            status::UNDOING => (status::UNDONE, import_job::Column::UndoneAt),
            _ => (status::COMPLETED, import_job::Column::CompletedAt),
        };
        after.set(import_job::Column::Status, Value::Text(state.to_owned()));
        after.set(moment, Value::Time(unit.now()));
    }
    unit.update(&before, after).await?;
    unit.commit().await?;
    Ok(if last { Step::Last(rows as u64) } else { Step::More(rows as u64) })
}

/// A worker that runs the import jobs of all organizations.
pub struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    caches: HashMap<i64, JobCache>,
    given_up: Option<Instant>,
}

impl Worker {
    /// Creates a worker for this database.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, caches: HashMap::new(), given_up: None }
    }

    /// Processes jobs forever, and polls for new ones after each `pause`.
    pub async fn work(mut self, pause: Duration) -> std::convert::Infallible {
        loop {
            if self.given_up.is_none_or(|moment| moment.elapsed() > OFTEN) {
                self.given_up = Some(Instant::now());
                if let Err(error) = self.give_up().await {
                    tracing::warn!(%error, "stalled previews could not be marked as failed");
                }
            }
            match self.round().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::warn!(%error, "import jobs could not be processed");
                    tokio::time::sleep(pause.max(Duration::from_secs(5))).await;
                }
            }
        }
    }

    /// Processes the next rows of every job. Returns whether a job has more rows.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond.
    pub async fn round(&mut self) -> Result<bool> {
        let sql = "SELECT \"id\", \"organization_id\", \"committed_by\" FROM \"import_jobs\" \
                   WHERE \"kind\" = 'list' AND \"status\" = 'processing' \
                   OR \"status\" IN ('undoing', 'promoting') ORDER BY \"id\" LIMIT 20";
        let rows = self.store.query(sql, Vec::new()).await?;
        let (mut busy, mut unavailable) = (false, None);
        let mut running = Vec::new();
        for row in &rows {
            let job: i64 = row.try_get_by_index(0)?;
            let by: Option<String> = row.try_get_by_index(2)?;
            let actor = by.and_then(|by| Actor::of_label(&by)).unwrap_or(Actor::CommandLine);
            let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
            let scope = Scope::new(store, row.try_get_by_index(1)?, actor, Role::Member, clock);
            let scope = scope.for_request(&format!("import-{job}"), None);
            let cache = self.caches.entry(job).or_default();
            match step(&scope, job, cache).await {
                Ok(Step::More(_)) => busy = true,
                Ok(_) => {}
                // The cache is discarded, because its companies may have been created in a transaction that was rolled
                // back. Other jobs continue.
                Err(error @ Error::Unavailable(_)) => {
                    self.caches.remove(&job);
                    unavailable = Some(error);
                }
                Err(error) => {
                    self.caches.remove(&job);
                    tracing::error!(job, %error, "an import job failed");
                    let states = [status::PROCESSING, status::PROMOTING, status::UNDOING];
                    import_job::fail(&scope, job, NoteCode::InternalError, &states).await?;
                }
            }
            running.push(job);
        }
        self.caches.retain(|job, _| running.contains(job));
        unavailable.map_or(Ok(busy), Err)
    }

    /// Marks jobs whose preview was interrupted as failed, e.g. because a server stopped.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond.
    pub async fn give_up(&self) -> Result<()> {
        let sql = "SELECT \"id\", \"organization_id\" FROM \"import_jobs\" \
                   WHERE \"status\" = 'uploading' AND \"updated_at\" < {} ORDER BY \"id\"";
        let since = Value::Time(self.clock.now() - STANDS_STILL).bind(Kind::Time);
        for row in &self.store.query(sql, vec![since]).await? {
            let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
            let organization = row.try_get_by_index(1)?;
            let scope = Scope::new(store, organization, Actor::CommandLine, Role::Member, clock);
            let job = row.try_get_by_index(0)?;
            import_job::fail(&scope, job, NoteCode::PreviewInterrupted, &[status::UPLOADING])
                .await?;
        }
        Ok(())
    }
}

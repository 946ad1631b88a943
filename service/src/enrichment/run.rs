//! The enrichment worker: claims records, calls providers and stores the results.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    clock::Clock,
    error::{Error, Result},
    policy::Role,
    scope::{Actor, Scope},
    store::Store,
    value::{Kind, Value},
    write::GrowthStatistics,
};
use tokio::{
    task::{self, JoinSet},
    time::timeout,
};

use super::{
    lease::{Lease, claim},
    local_batch,
    plan::Plan,
    provider::{Failure, Providers},
    provider_calls,
    record_result::{Outcome, finish},
};
use crate::{
    crm::{company, prospect},
    ingest::{
        field_provenance,
        import_job::{self, status},
        note::NoteCode,
    },
};

/// Maximum delay before a stop signal is noticed.
const SHORT: Duration = Duration::from_millis(50);

/// How often more records are claimed while others are being enriched.
const LOOK: Duration = Duration::from_secs(1);

/// A worker that runs the enrichments of all organizations.
pub struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    providers: Providers,
    name: String,
    claims: u64,
    /// The due jobs with a local plan.
    batches: HashMap<i64, JobBatches>,
    /// The job of the last batch.
    last_batch: i64,
}

/// What a task has completed.
#[derive(Debug)]
enum CompletedTask {
    /// A leased record.
    Record,
    /// This many records of a job with a local plan.
    Batch {
        /// The job.
        job: i64,
        /// The number of records.
        records: u64,
    },
}

/// The batches of a job.
#[derive(Debug, Default)]
struct JobBatches {
    /// The statistics of the tables that they write to.
    statistics: GrowthStatistics,
    /// Whether a batch could not be written.
    has_failed: bool,
    /// Whether the last batch had no records.
    was_empty: bool,
}

/// Claimed records, and the job whose next records are to be enriched together.
#[derive(Debug, Default)]
struct ClaimedWork {
    leased: Vec<(Scope, Lease)>,
    batch: Option<(Scope, i64)>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Worker {
    /// Creates a worker for this database and these providers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, providers: Providers) -> Self {
        let name = format!("{:016x}", fastrand::u64(..));
        Self { store, clock, providers, name, claims: 0, batches: HashMap::new(), last_batch: 0 }
    }

    /// Processes records and polls after each `pause`, until `stop` returns true; then finishes the records in flight.
    pub async fn work(mut self, pause: Duration, stop: impl Fn() -> bool) {
        while !stop() {
            match self.until(&stop).await {
                Ok(_) => rest(pause, &stop).await,
                Err(error) => {
                    tracing::warn!(%error, "enrichments could not be processed");
                    rest(pause.max(Duration::from_secs(5)), &stop).await;
                }
            }
        }
    }

    /// Enriches all due records. Calls to external providers respect the concurrency limit of the settings. Returns the
    /// number of records.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond. Provider responses are still stored once the database
    /// responds again.
    pub async fn round(&mut self) -> Result<u64> {
        self.until(&|| false).await
    }

    async fn until(&mut self, stop: &impl Fn() -> bool) -> Result<u64> {
        let mut asked = 0;
        // Each record and each batch has its own task, so that one that waits for the database does not delay the next
        // claim.
        let mut running: JoinSet<Result<CompletedTask>> = JoinSet::new();
        let mut batch: Option<(task::Id, i64)> = None;
        let mut failed = None;
        loop {
            if failed.is_none() && !stop() {
                match self.take(batch.is_none()).await {
                    Ok(ClaimedWork { leased, batch: next }) => {
                        asked += leased.len() as u64;
                        for (scope, claimed) in leased {
                            running.spawn(one(scope, claimed, self.providers.clone()));
                        }
                        if let Some((scope, job)) = next {
                            let task = running.spawn(one_batch(scope, job, self.providers.clone()));
                            batch = Some((task.id(), job));
                        }
                    }
                    Err(error) => failed = Some(error),
                }
            }
            // More records may have become due during a slow call.
            let ended = match timeout(LOOK, running.join_next_with_id()).await {
                Err(_) => continue,
                Ok(None) => return failed.map_or(Ok(asked), Err),
                Ok(Some(ended)) => ended,
            };
            let id = ended.as_ref().map_or_else(task::JoinError::id, |(id, _)| *id);
            let of_batch = batch.filter(|(known, _)| *known == id).map(|(_, job)| job);
            if of_batch.is_some() {
                batch = None;
            }
            match ended {
                Ok((_, Ok(CompletedTask::Record))) => {}
                Ok((_, Ok(CompletedTask::Batch { job, records }))) => {
                    asked += records;
                    self.batch_ended(job, records).await;
                }
                Ok((_, Err(error @ Error::Unavailable(_)))) => failed = failed.or(Some(error)),
                Ok((_, Err(error))) => match of_batch {
                    Some(job) => self.batch_failed(job, &error),
                    None => failed = failed.or(Some(error)),
                },
                // After a panic, a record is retried once its lease has expired.
                Err(error) => {
                    if let Some(job) = of_batch {
                        self.batch_failed(job, &error);
                    } else {
                        tracing::error!(%error, "a record could not be enriched");
                    }
                }
            }
        }
    }

    async fn batch_ended(&mut self, job: i64, records: u64) {
        let batches = self.batches.entry(job).or_default();
        batches.was_empty = records == 0;
        if records == local_batch::CHUNK.unsigned_abs() {
            let tables = [prospect::table(), company::table(), field_provenance::table()];
            batches.statistics.chunk_committed(&self.store, &tables).await;
        }
    }

    /// From now on, the records of the job are enriched one by one, so that a fault of one of them does not keep the others.
    fn batch_failed(&mut self, job: i64, error: &dyn std::fmt::Display) {
        tracing::error!(job, %error, "a batch of records could not be enriched");
        self.batches.entry(job).or_default().has_failed = true;
    }

    /// Claims due records of all running jobs, and chooses the job of the next batch if `with_batch` is set.
    async fn take(&mut self, with_batch: bool) -> Result<ClaimedWork> {
        self.let_go().await?;
        let sql = "SELECT j.\"id\", j.\"organization_id\", j.\"options\" FROM \"import_jobs\" j WHERE j.\"kind\" = 'enrichment' \
                   AND j.\"status\" IN ('processing', 'pending') AND j.\"resumes_at\" <= {} \
                   AND (j.\"processed_records\" >= j.\"total_records\" OR EXISTS (SELECT 1 FROM \"import_records\" r \
                   WHERE r.\"import_job_id\" = j.\"id\" AND r.\"status\" IN ('pending', 'processing') \
                   AND (r.\"next_attempt_at\" IS NULL OR r.\"next_attempt_at\" <= {}) \
                   AND (r.\"lease_until\" IS NULL OR r.\"lease_until\" < {}))) ORDER BY j.\"id\" LIMIT 1000";
        let now = || Value::Time(self.clock.now()).bind(Kind::Time);
        let jobs = self.store.query(sql, vec![now(), now(), now()]).await?;
        self.batches.retain(|job, _| {
            jobs.iter().any(|row| row.try_get_by_index::<i64>(0).is_ok_and(|known| known == *job))
        });
        let mut taken = ClaimedWork::default();
        let mut waiting = Vec::new();
        for row in &jobs {
            let job: i64 = row.try_get_by_index(0)?;
            let organization = row.try_get_by_index(1)?;
            let scope = self.scope(organization, job);
            let plan = Plan::of_options(&Value::read(row, 2, Kind::Json)?);
            if plan.is_local(&self.providers) {
                let batches = self.batches.entry(job).or_default();
                // The claim completes records that no batch has, and the job.
                if !batches.has_failed && !std::mem::take(&mut batches.was_empty) {
                    waiting.push((scope, job));
                    continue;
                }
            }
            loop {
                self.claims += 1;
                let name = format!("{}-{}", self.name, self.claims);
                match claim(&scope, job, &self.providers, &name, 100).await {
                    Ok(round) => {
                        let again = round.moved && round.claimed.is_empty();
                        taken
                            .leased
                            .extend(round.claimed.into_iter().map(|one| (scope.clone(), one)));
                        if !again {
                            break;
                        }
                    }
                    Err(error @ Error::Unavailable(_)) => return Err(error),
                    Err(error) => {
                        tracing::error!(job, %error, "an enrichment failed");
                        let why = NoteCode::InternalError;
                        import_job::fail(&scope, job, why, &[status::PROCESSING, status::PENDING])
                            .await?;
                        break;
                    }
                }
            }
        }
        if with_batch {
            // Jobs take turns.
            let next = waiting.iter().position(|(_, job)| *job > self.last_batch).unwrap_or(0);
            taken.batch = waiting.into_iter().nth(next);
            self.last_batch = taken.batch.as_ref().map_or(0, |(_, job)| *job);
        }
        Ok(taken)
    }

    /// Releases records with an expired lease whose job is no longer running, together with their reserved costs.
    async fn let_go(&self) -> Result<()> {
        let which = "\"status\" = 'processing' AND \"lease_until\" < {} AND \"import_job_id\" IN \
                     (SELECT \"id\" FROM \"import_jobs\" WHERE \"status\" NOT IN ('processing', 'pending'))";
        let now = || Value::Time(self.clock.now()).bind(Kind::Time);
        let some = format!("SELECT 1 FROM \"import_records\" WHERE {which} LIMIT 1");
        if self.store.query(&some, vec![now()]).await?.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE \"import_records\" SET \"status\" = 'pending', \"reserved_cost\" = 0, \
             \"lease_until\" = NULL, \"lease_token\" = NULL WHERE {which}"
        );
        self.store.execute(&sql, vec![now()]).await
    }

    fn scope(&self, organization: i64, job: i64) -> Scope {
        let actor = Actor::Worker("enrichment".to_owned());
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let scope = Scope::new(store, organization, actor, Role::Member, clock);
        scope.for_request(&format!("enrichment-{job}"), None)
    }
}

/// Sleeps for `pause`, or until `stop` returns true.
async fn rest(pause: Duration, stop: &impl Fn() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < pause && !stop() {
        tokio::time::sleep(SHORT.min(pause)).await;
    }
}

/// Enriches the next records of a job with a local plan.
async fn one_batch(scope: Scope, job: i64, providers: Providers) -> Result<CompletedTask> {
    let records = local_batch::enrich_next(&scope, job, &providers).await?;
    Ok(CompletedTask::Batch { job, records: records as u64 })
}

/// Enriches one record and stores the result.
async fn one(scope: Scope, claimed: Lease, providers: Providers) -> Result<CompletedTask> {
    let begun = Instant::now();
    let mut outcome = provider_calls::ask(&claimed, &providers).await;
    outcome.took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    match finish(&scope, &claimed, &outcome).await {
        Err(error @ Error::Unavailable(_)) => Err(error),
        Err(error) => {
            tracing::error!(record = claimed.record, %error, "an enrichment result could not be stored");
            // The usage is logged even if the result could not be stored.
            let failure = Some(Failure::Never(NoteCode::InternalError.into()));
            let paid = Outcome { charges: outcome.charges, failure, ..Outcome::default() };
            finish(&scope, &claimed, &paid).await?;
            Ok(CompletedTask::Record)
        }
        Ok(()) => Ok(CompletedTask::Record),
    }
}

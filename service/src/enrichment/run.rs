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
use tokio::{task::JoinSet, time::timeout};

use super::{
    LEAST_CONFIDENCE, apply,
    lease::{Lease, claim},
    local_batch,
    plan::Plan,
    provider::{Failure, ProviderResult, Providers, UsageCharge},
    record_result::{Answered, Outcome, Sourced, finish},
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
    /// The statistics of the tables that the batches of a job write to.
    statistics: HashMap<i64, GrowthStatistics>,
}

/// Records that a worker has claimed or enriched.
#[derive(Debug, Default)]
struct Taken {
    leased: Vec<(Scope, Lease)>,
    /// The number of records that were enriched together.
    enriched: u64,
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
        Self { store, clock, providers, name, claims: 0, statistics: HashMap::new() }
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

    /// Enriches all due records, within the concurrency limit of the settings. Returns the number of records.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond. Provider responses are still stored once the database
    /// responds again.
    pub async fn round(&mut self) -> Result<u64> {
        self.until(&|| false).await
    }

    async fn until(&mut self, stop: &impl Fn() -> bool) -> Result<u64> {
        let mut asked = 0;
        // Each record has its own task, so that a record that waits for the database does not delay the next claim.
        let mut running = JoinSet::new();
        let mut failed = None;
        loop {
            let mut pause = LOOK;
            if failed.is_none() && !stop() {
                match self.take().await {
                    Ok(Taken { leased, enriched }) => {
                        asked += enriched + leased.len() as u64;
                        for (scope, claimed) in leased {
                            running.spawn(one(scope, claimed, self.providers.clone()));
                        }
                        if enriched > 0 && running.is_empty() {
                            continue;
                        }
                        if enriched > 0 {
                            pause = Duration::ZERO;
                        }
                    }
                    Err(error) => failed = Some(error),
                }
            }
            // More records may have become due during a slow call.
            match timeout(pause, running.join_next()).await {
                Err(_) | Ok(Some(Ok(Ok(())))) => {}
                Ok(Some(Ok(Err(error)))) => failed = failed.or(Some(error)),
                // After a panic, the record is retried once its lease has expired.
                Ok(Some(Err(error))) => tracing::error!(%error, "a record could not be enriched"),
                Ok(None) => return failed.map_or(Ok(asked), Err),
            }
        }
    }

    /// Claims due records of all running jobs, and enriches the next records of jobs whose plan is local.
    async fn take(&mut self) -> Result<Taken> {
        self.let_go().await?;
        let sql = "SELECT j.\"id\", j.\"organization_id\", j.\"options\" FROM \"import_jobs\" j WHERE j.\"kind\" = 'enrichment' \
                   AND j.\"status\" IN ('processing', 'pending') AND j.\"resumes_at\" <= {} \
                   AND (j.\"processed_records\" >= j.\"total_records\" OR EXISTS (SELECT 1 FROM \"import_records\" r \
                   WHERE r.\"import_job_id\" = j.\"id\" AND r.\"status\" IN ('pending', 'processing') \
                   AND (r.\"next_attempt_at\" IS NULL OR r.\"next_attempt_at\" <= {}) \
                   AND (r.\"lease_until\" IS NULL OR r.\"lease_until\" < {}))) ORDER BY j.\"id\" LIMIT 1000";
        let now = || Value::Time(self.clock.now()).bind(Kind::Time);
        let jobs = self.store.query(sql, vec![now(), now(), now()]).await?;
        self.statistics.retain(|job, _| {
            jobs.iter().any(|row| row.try_get_by_index::<i64>(0).is_ok_and(|known| known == *job))
        });
        let mut taken = Taken::default();
        for row in &jobs {
            let job: i64 = row.try_get_by_index(0)?;
            let organization = row.try_get_by_index(1)?;
            let scope = self.scope(organization, job);
            let plan = Plan::of_options(&Value::read(row, 2, Kind::Json)?);
            if plan.is_local(&self.providers) {
                match local_batch::enrich_next(&scope, job, &self.providers).await {
                    Ok(0) => {}
                    Ok(enriched) => {
                        taken.enriched += enriched as u64;
                        let statistics = self.statistics.entry(job).or_default();
                        let tables =
                            [prospect::table(), company::table(), field_provenance::table()];
                        statistics.chunk_committed(&self.store, &tables).await;
                        continue;
                    }
                    Err(error @ Error::Unavailable(_)) => return Err(error),
                    // The records are enriched one by one, so that a fault of one of them does not keep the others.
                    Err(error) => {
                        tracing::error!(job, %error, "a batch of records could not be enriched");
                    }
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

/// Enriches one record and stores the result.
async fn one(scope: Scope, claimed: Lease, providers: Providers) -> Result<()> {
    let begun = Instant::now();
    let mut outcome = ask(&claimed, &providers).await;
    outcome.took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    match finish(&scope, &claimed, &outcome).await {
        Err(error @ Error::Unavailable(_)) => Err(error),
        Err(error) => {
            tracing::error!(record = claimed.record, %error, "an enrichment result could not be stored");
            // The usage is logged even if the result could not be stored.
            let failure = Some(Failure::Never(NoteCode::InternalError.into()));
            let paid = Outcome { charges: outcome.charges, failure, ..Outcome::default() };
            finish(&scope, &claimed, &paid).await
        }
        Ok(()) => Ok(()),
    }
}

/// Calls the providers of a plan in order, each for the fields that are still unknown.
pub(super) async fn ask(claimed: &Lease, providers: &Providers) -> Outcome {
    let mut outcome = Outcome::default();
    let mut ask = claimed.ask.clone();
    let mut asked_outside = false;
    for provider in providers.named(&claimed.plan.providers) {
        let name = provider.name();
        let writes = name == "llm" && ask.variants > 0;
        if ask.wanted.is_empty() && !writes {
            continue;
        }
        let outside = provider.is_outside();
        if outside && asked_outside && !claimed.deep {
            if !writes {
                continue;
            }
            ask.wanted.clear();
        }
        asked_outside |= outside;
        if let Some((_, found)) = claimed.cached.iter().find(|(known, _)| *known == name) {
            outcome.hits.push(name);
            take(&mut outcome, &mut ask, found.clone(), &format!("cache:{name}"), 0.0);
            continue;
        }
        let answer = provider.ask(&ask).await;
        let cost = answer.charge.as_ref().map_or(0.0, |charge: &UsageCharge| charge.cost);
        let source = match answer.charge.as_ref().and_then(|charge| charge.model.clone()) {
            Some(model) => model,
            None => name.to_owned(),
        };
        outcome.charges.extend(answer.charge);
        match answer.outcome {
            Ok(found) => {
                let found = without_nul(found);
                if outside {
                    let wanted = ask.wanted.clone();
                    outcome.answers.push(Answered { provider: name, wanted, found: found.clone() });
                }
                take(&mut outcome, &mut ask, found, &source, cost);
            }
            Err(failure) => {
                outcome.failure = Some(failure);
                outcome.said = answer.said;
                break;
            }
        }
    }
    outcome.values.sort_by_key(|value| apply::place(value.found.field));
    outcome
}

/// Removes NUL characters, which Postgres rejects.
fn without_nul(mut found: ProviderResult) -> ProviderResult {
    let clean = |text: &mut String| text.retain(|c| c != '\0');
    found.values.iter_mut().for_each(|value| clean(&mut value.value));
    for variant in &mut found.variants {
        clean(&mut variant.content);
        variant.subject.iter_mut().for_each(clean);
    }
    found
}

/// Accepts the requested values of a provider whose confidence is at least the minimum.
fn take(
    outcome: &mut Outcome,
    ask: &mut super::ProviderRequest,
    found: ProviderResult,
    source: &str,
    cost: f64,
) {
    let sure: Vec<_> = found
        .values
        .into_iter()
        .filter(|value| value.confidence >= LEAST_CONFIDENCE && ask.wanted.contains(&value.field))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "there are only a few values")]
    let share = cost / sure.len().max(1) as f64;
    for mut value in sure {
        if !ask.wanted.contains(&value.field) {
            continue;
        }
        ask.wanted.retain(|field| *field != value.field);
        value.confidence = value.confidence.clamp(0.0, 1.0);
        outcome.values.push(Sourced { found: value, source: source.to_owned(), cost: share });
    }
    let variants = found.variants.into_iter().filter(|one| !one.content.trim().is_empty());
    outcome.variants.extend(variants.map(|variant| (variant, source.to_owned())));
}

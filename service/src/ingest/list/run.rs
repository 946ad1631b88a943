//! Runs what was begun with a list: some rows in a transaction, until nothing is left.
//!
//! The transaction is the lease: whoever holds the row of the job works on it, and one that is broken off leaves nothing
//! behind but the rows that are still to be done.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use super::{CHUNK, commit, companies::Companies, undo};
use crate::{
    clock::Clock,
    error::{Error, Result},
    identity::policy::Role,
    ingest::note::{Note, NoteCode},
    ingest::{
        enrichment,
        import_job::{self, kind, status},
    },
    progress::Progress,
    scope::{Actor, Scope},
    store::Store,
    table::Kind,
    value::Value,
    write::{Record, Unit},
};

/// How long a list may not move while it is looked at, before it is given up.
const STANDS_STILL: TimeDelta = TimeDelta::minutes(10);

/// How often lists are looked for that stand still.
const OFTEN: Duration = Duration::from_mins(5);

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// So many rows were done, and there are more.
    More(u64),
    /// So many rows were done, and nothing is left.
    Last(u64),
    /// Somebody else works on it.
    Busy,
    /// There is nothing to be done with it.
    Idle,
}

/// Does what was begun with a job, to its end; gives the job as it is then.
///
/// # Errors
/// [`Error::Refused`] when there is no such job; [`Error::Unavailable`] when the database does not answer: what was
/// done stays, and the rest is done when this is called again.
pub async fn run(scope: &Scope, job: i64, progress: &dyn Progress) -> Result<Record> {
    let mut companies = Companies::default();
    let mut unit = Unit::begin(scope).await?;
    let begun = unit.get(import_job::table(), job, "id").await?;
    drop(unit);
    let number = |column| begun.number(column).unwrap_or_default();
    let (name, rows) = match begun.text("status") {
        status::UNDOING => ("taking back", number("created_records") + number("updated_records")),
        _ => ("writing", number("total_records") - number("processed_records")),
    };
    progress.begin(name, u64::try_from(rows).ok());
    loop {
        match step(scope, job, &mut companies).await? {
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

/// Does the next rows of a job.
async fn step(scope: &Scope, job: i64, companies: &mut Companies) -> Result<Step> {
    let mut unit = Unit::begin(scope).await?;
    let Some(before) = unit.claim(import_job::table(), job).await? else {
        return Ok(Step::Busy);
    };
    let mut after = before.clone();
    let mut add = |column: &str, count: i64| {
        after.set(column, Value::Int(before.number(column).unwrap_or_default() + count));
    };
    let is_enrichment = before.text("kind") == kind::ENRICHMENT;
    let rows = match before.text("status") {
        // A worker of another kind goes on with it.
        status::PROCESSING if is_enrichment => return Ok(Step::Idle),
        status::PROCESSING => {
            let decision = before.text("candidate_decision");
            let records = commit::next(&unit, job, decision).await?;
            let written = commit::write(&mut unit, &records, decision, companies).await?;
            let commit::Written { created, updated, skipped, failed } = written;
            add("created_records", created);
            add("updated_records", updated);
            add("skipped_records", skipped);
            add("failed_records", failed);
            add("processed_records", created + updated + skipped + failed);
            records.len()
        }
        // What became of its records is counted already; who was made of them is not.
        status::PROMOTING => {
            let decision = before.text("candidate_decision");
            let records = commit::next(&unit, job, decision).await?;
            let written = commit::write(&mut unit, &records, decision, companies).await?;
            add("created_records", written.created);
            add("updated_records", written.updated);
            enrichment::write_to(&mut unit, &records).await?;
            records.len()
        }
        // What was found first, then who was made of its records.
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
            add("undone_records", undone);
            add("kept_records", kept);
            rows
        }
        status::UNDOING => {
            let records = undo::next(&unit, job).await?;
            let (undone, kept) = undo::take_back(&mut unit, &records).await?;
            add("undone_records", undone);
            add("kept_records", kept);
            records.len()
        }
        _ => return Ok(Step::Idle),
    };
    let last = rows < CHUNK;
    if last {
        if before.text("status") == status::PROMOTING {
            import_job::promoted(&mut after);
            unit.update(&before, after).await?;
            unit.commit().await?;
            return Ok(Step::Last(rows as u64));
        }
        let (state, moment) = match before.text("status") {
            status::UNDOING => (status::UNDONE, "undone_at"),
            _ => (status::COMPLETED, "completed_at"),
        };
        after.set("status", Value::Text(state.to_owned()));
        after.set(moment, Value::Time(unit.now()));
    }
    unit.update(&before, after).await?;
    unit.commit().await?;
    Ok(if last { Step::Last(rows as u64) } else { Step::More(rows as u64) })
}

/// Works on the lists of all organizations.
pub struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    companies: HashMap<i64, Companies>,
    given_up: Option<Instant>,
}

impl Worker {
    /// One that works on this database.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, companies: HashMap::new(), given_up: None }
    }

    /// Works on what there is and looks again after each `pause`, for ever.
    pub async fn work(mut self, pause: Duration) -> std::convert::Infallible {
        loop {
            if self.given_up.is_none_or(|moment| moment.elapsed() > OFTEN) {
                self.given_up = Some(Instant::now());
                if let Err(error) = self.give_up().await {
                    tracing::warn!(%error, "lists that stand still could not be given up");
                }
            }
            match self.round().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::warn!(%error, "lists could not be worked on");
                    tokio::time::sleep(pause.max(Duration::from_secs(5))).await;
                }
            }
        }
    }

    /// Does the next rows of every job that has any; gives whether there was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
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
            let companies = self.companies.entry(job).or_default();
            match step(&scope, job, companies).await {
                Ok(Step::More(_)) => busy = true,
                Ok(_) => {}
                // What was made in a transaction that was taken back is not there. Others go on.
                Err(error @ Error::Unavailable(_)) => {
                    self.companies.remove(&job);
                    unavailable = Some(error);
                }
                Err(error) => {
                    self.companies.remove(&job);
                    tracing::error!(job, %error, "a list could not be worked on");
                    let states = [status::PROCESSING, status::PROMOTING, status::UNDOING];
                    fail(&scope, job, NoteCode::InternalError, &states).await?;
                }
            }
            running.push(job);
        }
        self.companies.retain(|job, _| running.contains(job));
        unavailable.map_or(Ok(busy), Err)
    }

    /// Gives up lists whose look was broken off, by a server that stopped for instance.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn give_up(&self) -> Result<()> {
        let sql = "SELECT \"id\", \"organization_id\" FROM \"import_jobs\" \
                   WHERE \"status\" = 'uploading' AND \"updated_at\" < {} ORDER BY \"id\"";
        let since = Value::Time(self.clock.now() - STANDS_STILL).bind(Kind::Time);
        for row in &self.store.query(sql, vec![since]).await? {
            let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
            let organization = row.try_get_by_index(1)?;
            let scope = Scope::new(store, organization, Actor::CommandLine, Role::Member, clock);
            let job = row.try_get_by_index(0)?;
            fail(&scope, job, NoteCode::PreviewInterrupted, &[status::UPLOADING]).await?;
        }
        Ok(())
    }
}

/// Notes that a job was broken off, if it is in one of these states.
pub(crate) async fn fail(scope: &Scope, job: i64, why: NoteCode, states: &[&str]) -> Result<()> {
    let mut unit = Unit::begin(scope).await?;
    let Some(before) = unit.find(import_job::table(), job).await? else { return Ok(()) };
    if !states.contains(&before.text("status")) {
        return Ok(());
    }
    let mut after = before.clone();
    if before.text("status") == status::UPLOADING {
        // It was the number of those that were looked at.
        after.set("processed_records", Value::Int(0));
    }
    after.set("status", Value::Text(status::FAILED.to_owned()));
    after.set("error", Note::stored(&[why.into()]).map_or(Value::Null, Value::Text));
    unit.update(&before, after).await?;
    unit.commit().await
}

//! Realistic demo data, fully determined by its scale and its reference date.

mod companies;
mod imports;
mod recognize;
mod remove;
mod rows;
mod talk;
mod words;

use std::sync::Arc;

use engine::{
    clock::Clock,
    error::{Error, Result},
    policy::Role,
    progress::Progress,
    scope::{Actor, Scope},
    store::{Engine, Store},
    table::Table,
    value::Value,
    write::{GrowthStatistics, bulk_load},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::{crm, identity::organization, ingest, offer, outreach, usage};
pub use remove::{Removal, remove};
pub use rows::Edition;
use rows::Story;

/// Number of rows inserted per statement.
const CHUNK: usize = 2_000;

/// Size of the demo data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 200 companies, 2,000 prospects, 10,000 interactions.
    Small,
    /// 2,000 companies, 20,000 prospects, 100,000 interactions.
    Medium,
    /// 20,000 companies, 200,000 prospects, 1,000,000 interactions.
    Large,
    /// 200,000 companies, 2,000,000 prospects, 10,000,000 interactions.
    Huge,
}

impl Scale {
    fn companies(self) -> i64 {
        match self {
            Self::Small => 200,
            Self::Medium => 2_000,
            Self::Large => 20_000,
            Self::Huge => 200_000,
        }
    }

    fn prospects(self) -> i64 {
        self.companies() * 10
    }
}

/// First primary key of each table.
struct First {
    industries: i64,
    solutions: i64,
    events: i64,
    companies: i64,
    prospects: i64,
    templates: i64,
}

/// Inserts the demo data into the organization in one transaction. Returns the number of rows.
///
/// # Errors
/// [`Error::Conflict`] if the organization already has rows.
pub async fn seed(scope: &Scope, scale: Scale, progress: &dyn Progress) -> Result<u64> {
    seed_edition(scope, scale, Edition::Year, progress).await
}

/// As [`seed`], in a version of the demo data.
///
/// # Errors
/// As [`seed`].
pub async fn seed_edition(
    scope: &Scope,
    scale: Scale,
    edition: Edition,
    progress: &dyn Progress,
) -> Result<u64> {
    let store = scope.store();
    let transaction = store.begin().await?;
    let writer = Writer { scope, transaction, engine: store.engine(), progress };
    for table in [
        offer::industry::table(),
        offer::solution::table(),
        offer::event::table(),
        crm::company::table(),
        crm::prospect::table(),
        usage::llm_usage_log::table(),
    ] {
        if bulk_load::has_rows(&writer.transaction, scope.organization(), table).await? {
            return Err(Error::Conflict(
                engine::Reason::DatabaseConflict,
                format!(
                    "the organization already has {}; demo data requires an empty organization",
                    table.name
                ),
            ));
        }
    }
    writer.all(scale, edition).await
}

/// Creates the organization `default` of a new database with the demo data, in one transaction. Returns the number of
/// rows.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn found(
    store: &Store,
    clock: &Arc<dyn Clock>,
    scale: Scale,
    progress: &dyn Progress,
) -> Result<u64> {
    let transaction = store.begin().await?;
    let organization =
        organization::insert(&transaction, store.engine(), clock.as_ref(), organization::DEFAULT)
            .await?;
    let (actor, clock) = (Actor::CommandLine, Arc::clone(clock));
    let scope = &Scope::new(store.clone(), organization, actor, Role::Owner, clock);
    let writer = Writer { scope, transaction, engine: store.engine(), progress };
    writer.all(scale, Edition::Year).await
}

struct Writer<'a> {
    scope: &'a Scope,
    transaction: DatabaseTransaction,
    engine: Engine,
    progress: &'a dyn Progress,
}

impl Writer<'_> {
    /// Inserts all demo rows and commits the transaction. Returns the number of rows.
    async fn all(self, scale: Scale, edition: Edition) -> Result<u64> {
        let first = First {
            industries: self.next_key(offer::industry::table()).await?,
            solutions: self.next_key(offer::solution::table()).await?,
            events: self.next_key(offer::event::table()).await?,
            companies: self.next_key(crm::company::table()).await?,
            prospects: self.next_key(crm::prospect::table()).await?,
            templates: self.next_key(outreach::message_template::table()).await?,
        };
        let (organization, now) = (self.scope.organization(), self.scope.now());
        let story = Story::new(organization, now, scale, edition, first);
        let mut written = 0;

        written += self.table(offer::industry::table(), story.industries()).await?;
        written += self.table(offer::solution::table(), story.solutions()).await?;
        written += self.pairs(&story).await?;
        written += self.table(offer::event::table(), story.events()).await?;
        written += self.table(crm::company::table(), story.companies()).await?;
        written += self.table(crm::prospect::table(), story.prospects()).await?;

        let interactions = outreach::interaction::table();
        let rows = story.interactions(self.next_key(interactions).await?);
        written += self.table(interactions, rows).await?;
        written += self.table(outreach::message_template::table(), story.templates()).await?;
        let drafts = outreach::outreach_draft::table();
        let rows = story.drafts(self.next_key(drafts).await?);
        written += self.table(drafts, rows).await?;
        let research = crm::prospect_research::table();
        let rows = story.research(self.next_key(research).await?);
        written += self.table(research, rows).await?;
        let usage = usage::llm_usage_log::table();
        let rows = story.usage(self.next_key(usage).await?);
        written += self.table(usage, rows).await?;
        let jobs = ingest::import_job::table();
        let first_job = self.next_key(jobs).await?;
        written += self.table(jobs, story.import_jobs(first_job)).await?;
        let records = ingest::import_record::table();
        let rows = story.import_records(first_job, self.next_key(records).await?);
        written += self.table(records, rows).await?;
        self.transaction.commit().await?;
        Ok(written)
    }

    async fn next_key(&self, table: &Table) -> Result<i64> {
        let sql = format!("SELECT COALESCE(max(id), 0) + 1 FROM \"{}\"", table.name);
        let statement = Statement::from_string(self.engine.backend(), sql);
        let row = self.transaction.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::internal("aggregate returned no row"))?;
        Ok(row.try_get_by_index::<i64>(0)?)
    }

    async fn table(
        &self,
        table: &'static Table,
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<u64> {
        self.progress.begin(table.name, None);
        let mut written = 0;
        let mut statistics = GrowthStatistics::default();
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
            let count = chunk.len() as u64;
            bulk_load::rows(&self.transaction, self.scope, table, chunk).await?;
            if rows.peek().is_some() {
                statistics.chunk_written(&self.transaction, self.engine, &[table]).await?;
            }
            written += count;
            self.progress.advance(count);
        }
        bulk_load::continue_keys(&self.transaction, self.engine, table.name).await?;
        self.progress.finish();
        Ok(written)
    }

    async fn pairs(&self, story: &Story) -> Result<u64> {
        let rows = story.pairs();
        let count = rows.len() as u64;
        let columns = offer::industry_solution_columns();
        bulk_load::insert(&self.transaction, self.engine, "industry_solutions", &columns, rows)
            .await?;
        let pairs = usize::try_from(count).unwrap_or(usize::MAX);
        bulk_load::note(&self.transaction, self.scope, offer::solution::table(), pairs).await?;
        Ok(count)
    }
}

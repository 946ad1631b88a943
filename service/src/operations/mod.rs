//! Operations on a whole database: backup, restore, maintenance, export.

pub mod backup;
pub mod comparison;
pub mod export;
pub mod maintenance;
pub mod restore;
pub mod statistics;

use std::sync::LazyLock;

use engine::{
    clock::SystemClock,
    error::Result,
    progress::{Progress, Unwatched},
    store::{Engine, Store},
    table::{Column, columns_of},
    value::Value,
    write::bulk_load,
};
use entity::{crm, governance, identity, ingest, offer, outreach, usage};
use futures_util::TryStreamExt;
use sea_orm::{ConnectionTrait, EntityTrait, Statement, StreamTrait};

/// Applies all pending migrations, then computes missing comparison columns.
///
/// # Errors
/// [`engine::Error::Internal`] if a migration fails.
pub async fn migrate(store: &Store) -> Result<()> {
    store.migrate_up().await?;
    comparison::fill(store, &SystemClock, &Unwatched).await
}

/// Number of rows buffered at a time.
const CHUNK: usize = 1_000;

/// A table to copy.
pub(crate) struct Stored {
    pub(crate) name: &'static str,
    columns: Vec<Column>,
    /// Columns that may reference rows copied later.
    pub(crate) later: &'static [&'static str],
}

fn stored<E: EntityTrait>() -> Stored {
    stored_with::<E>(&[])
}

fn stored_with<E: EntityTrait>(later: &'static [&'static str]) -> Stored {
    // The tables are listed once, so this text is not leaked repeatedly.
    let name = String::leak(E::default().table_name().to_owned());
    Stored { name, columns: columns_of::<E>(), later }
}

/// All tables, referenced tables first.
pub(crate) fn tables() -> &'static [Stored] {
    static TABLES: LazyLock<Vec<Stored>> = LazyLock::new(all_tables);
    &TABLES
}

fn all_tables() -> Vec<Stored> {
    vec![
        stored_with::<identity::organization::Entity>(&["owner_user_id"]),
        stored::<identity::user::Entity>(),
        stored::<identity::api_key::Entity>(),
        stored::<identity::organization_secret::Entity>(),
        stored::<governance::setting::Entity>(),
        stored::<offer::industry::Entity>(),
        stored::<offer::solution::Entity>(),
        stored::<offer::industry_solution::Entity>(),
        stored::<offer::event::Entity>(),
        stored::<crm::company::Entity>(),
        stored_with::<crm::prospect::Entity>(&["merged_into_id"]),
        stored::<crm::opt_out::Entity>(),
        stored::<crm::prospect_research::Entity>(),
        stored::<outreach::message_template::Entity>(),
        stored_with::<ingest::import_job::Entity>(&["source_job_id"]),
        stored::<ingest::import_record::Entity>(),
        stored::<outreach::template_performance::Entity>(),
        stored_with::<outreach::outreach_draft::Entity>(&["parent_draft_id"]),
        stored::<outreach::interaction::Entity>(),
        stored::<usage::llm_usage_log::Entity>(),
        stored::<usage::outreach_draft_usage::Entity>(),
        stored::<usage::prospect_research_usage::Entity>(),
        stored::<usage::service_usage_log::Entity>(),
        stored::<ingest::enrichment_cache_entry::Entity>(),
        stored::<ingest::field_provenance::Entity>(),
        stored::<ingest::extraction::Entity>(),
        stored::<ingest::external_id::Entity>(),
        stored::<ingest::source_import::Entity>(),
        stored::<ingest::source_import_table::Entity>(),
        stored::<ingest::source_import_key::Entity>(),
        stored::<governance::alembic_version::Entity>(),
        stored::<governance::change_log::Entity>(),
        stored::<governance::change::Entity>(),
        stored::<governance::idempotency_key::Entity>(),
    ]
}

/// The names of all tables except the migrations table.
#[must_use]
pub fn table_names() -> Vec<&'static str> {
    tables().iter().map(|table| table.name).collect()
}

/// Copies all rows of a table unchanged. Returns the number of rows.
async fn copy<F: StreamTrait, T: ConnectionTrait>(
    table: &Stored,
    from: &F,
    to: &T,
    engine: Engine,
    progress: &dyn Progress,
) -> Result<u64> {
    let names: Vec<_> = table.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
    let sql = format!("SELECT {} FROM \"{}\"", names.join(", "), table.name);
    let statement = Statement::from_string(from.get_database_backend(), sql);
    progress.begin(table.name, None);
    let rows = from.stream_raw(statement).await?.try_chunks(CHUNK);
    let mut rows = std::pin::pin!(rows);
    let mut count = 0;
    while let Some(chunk) = rows.try_next().await.map_err(|error| error.1)? {
        let read = |row: &sea_orm::QueryResult| {
            let cells = table.columns.iter().enumerate();
            cells.map(|(index, column)| Value::read(row, index, column.kind)).collect()
        };
        let values: Vec<Vec<Value>> = chunk.iter().map(read).collect::<Result<_>>()?;
        count += values.len() as u64;
        progress.advance(values.len() as u64);
        bulk_load::insert(to, engine, table.name, &table.columns, values).await?;
    }
    progress.finish();
    Ok(count)
}

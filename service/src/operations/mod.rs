//! Operations on a whole database: backup, restore, maintenance, export.

pub mod backup;
pub mod comparison;
pub mod duplicates;
pub mod export;
pub mod maintenance;
mod postponed;
pub mod restore;
pub mod statistics;
mod stored_table;

pub use stored_table::table_names;
pub(crate) use stored_table::{StoredTable, tables};

use engine::{
    clock::SystemClock,
    error::Result,
    progress::{Progress, Unwatched},
    store::{Engine, Store},
    value::Value,
    write::bulk_load,
};
use futures_util::TryStreamExt;
use sea_orm::{ConnectionTrait, Statement, StreamTrait};

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

/// Copies all rows of a table unchanged. Returns the number of rows.
async fn copy<F: StreamTrait, T: ConnectionTrait>(
    table: &StoredTable,
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

//! Bulk inserts for imports and demo data.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use super::{Record, counter, duplicate_mark::mark_duplicates, insert_plan::InsertPlan};
use crate::{
    change_log::{self, Entry, kind},
    error::Result,
    scope::Scope,
    store::Engine,
    table::{Column, Table},
    value::Value,
};

/// Inserts `rows` into `table` and records their number in the change log. Each row has a value for every column of
/// the table in order, including the primary key and the organization. Rows whose unique value another row has are
/// marked as its duplicates.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn rows<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    table: &'static Table,
    rows: Vec<Vec<Value>>,
) -> Result<()> {
    let count = rows.len();
    let mut rows = rows;
    for row in &mut rows {
        table.set_computed_columns(row);
        table.begin_counters(row);
    }
    mark_duplicates(connection, scope.store().engine(), table, &mut rows).await?;
    let counts = if table.is_counted() { differences_of(table, &rows) } else { Vec::new() };
    insert(connection, scope.store().engine(), table.name, &table.columns, rows).await?;
    counter::apply(connection, scope.store().engine(), counts).await?;
    note(connection, scope, table, count).await
}

fn differences_of(table: &'static Table, rows: &[Vec<Value>]) -> Vec<counter::Difference> {
    let records = rows.iter().map(|row| Record::of(table, row.clone()));
    records.flat_map(|record| counter::differences(None, Some(&record))).collect()
}

/// Records the number of imported rows in the change log.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn note<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    table: &'static Table,
    rows: usize,
) -> Result<()> {
    let after = Some(json!({ "rows": rows }));
    let entry = Entry { after, ..Entry::bare(table, None, kind::IMPORTED) };
    change_log::append(connection, scope, scope.now(), vec![entry]).await
}

/// Inserts `rows` into the table with this name; the rows of the table need not belong to an organization.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    name: &str,
    columns: &[Column],
    rows: Vec<Vec<Value>>,
) -> Result<()> {
    let plan = InsertPlan::all(name, columns);
    for rows in rows.chunks(plan.chunk()) {
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        let (sql, binds) = plan.rows(engine, &rows);
        connection.execute_raw(engine.statement(&sql, binds)).await?;
    }
    Ok(())
}

/// Advances the sequence of the primary key past the highest existing value.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn continue_keys<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &str,
) -> Result<()> {
    // SQLite's AUTOINCREMENT tracks the highest key by itself.
    if engine == Engine::Postgres {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), \
             GREATEST((SELECT COALESCE(max(id), 0) + 1 FROM \"{table}\"), \
             nextval(pg_get_serial_sequence('{table}', 'id'))), false)"
        );
        connection.query_one_raw(Statement::from_string(engine.backend(), sql)).await?;
    }
    Ok(())
}

/// Whether the organization has rows in `table`, including deleted ones.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn has_rows<C: ConnectionTrait>(
    connection: &C,
    organization: i64,
    table: &Table,
) -> Result<bool> {
    let sql =
        format!("SELECT 1 FROM \"{}\" WHERE organization_id = {organization} LIMIT 1", table.name);
    let backend = connection.get_database_backend();
    Ok(connection.query_one_raw(Statement::from_string(backend, sql)).await?.is_some())
}

//! Puts many rows in at once: what imports and the demo set stand on.

use sea_orm::{
    ConnectionTrait, Statement,
    sea_query::{Alias, PostgresQueryBuilder, Query, SqliteQueryBuilder},
};

use serde_json::json;

use crate::{
    error::Result,
    governance::change_log::{self, Entry, kind},
    scope::Scope,
    store::Engine,
    table::{Column, Table},
    value::Value,
};

/// Binds in one statement: below the 32,766 of SQLite and the 65,535 of Postgres.
pub(super) const BINDS: usize = 30_000;

/// Inserts `rows` into `table` and notes in the change log how many. Each row has a value for every
/// column of the table, in its order, the key and the organization included.
pub(crate) async fn rows<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    table: &'static Table,
    rows: Vec<Vec<Value>>,
) -> Result<()> {
    let count = rows.len();
    let mut rows = rows;
    for row in &mut rows {
        table.set_following(row);
    }
    insert(connection, scope.store().engine(), table.name, &table.columns, rows).await?;
    note(connection, scope, table, count).await
}

/// Notes in the change log that so many rows came in.
pub(crate) async fn note<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    table: &'static Table,
    rows: usize,
) -> Result<()> {
    let after = Some(json!({ "rows": rows }));
    let entry = Entry { after, ..Entry::bare(table, None, kind::IMPORTED) };
    change_log::append(connection, scope, scope.now(), vec![entry]).await
}

/// Inserts `rows` into the table called `name`, which need not be one of an organization.
pub(crate) async fn insert<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    name: &str,
    columns: &[Column],
    rows: Vec<Vec<Value>>,
) -> Result<()> {
    let most = (BINDS / columns.len().max(1)).max(1);
    let mut rows = rows.into_iter();
    loop {
        let chunk: Vec<_> = rows.by_ref().take(most).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table(Alias::new(name)).columns(columns.iter().map(|c| Alias::new(c.name)));
        for row in chunk {
            let binds =
                row.into_iter().zip(columns).map(|(value, column)| value.bind(column.kind).into());
            insert.values_panic(binds);
        }
        let (sql, binds) = match engine {
            Engine::Sqlite => insert.build(SqliteQueryBuilder),
            Engine::Postgres => insert.build(PostgresQueryBuilder),
        };
        let statement = Statement::from_sql_and_values(engine.backend(), sql, binds);
        connection.execute_raw(statement).await?;
    }
}

/// Lets the keys that the database gives go on after the highest one that is there.
pub(crate) async fn continue_keys<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &str,
) -> Result<()> {
    // SQLite's AUTOINCREMENT keeps the highest key by itself.
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

/// Whether the organization has rows in `table`, deleted ones too.
pub(crate) async fn has_rows<C: ConnectionTrait>(
    connection: &C,
    organization: i64,
    table: &Table,
) -> Result<bool> {
    let sql =
        format!("SELECT 1 FROM \"{}\" WHERE organization_id = {organization} LIMIT 1", table.name);
    let backend = connection.get_database_backend();
    Ok(connection.query_one_raw(Statement::from_string(backend, sql)).await?.is_some())
}

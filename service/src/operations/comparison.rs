//! Computes missing comparison columns of existing rows, marks duplicates among them, and records the opt-outs of
//! their addresses, after a migration or after the normalization rules have changed.

use engine::{
    clock::Clock,
    error::Result,
    progress::Progress,
    record::Record,
    store::{Engine, Store},
    table::{Column, Table},
    value::{Kind, Value},
};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait, Value as Bind};
use serde_json::{Map, Value as Json, json};

use super::duplicates;
use crate::{
    crm::{company, opt_out, prospect},
    identity::organization_secret,
    offer::industry,
};

/// Version of the normalization rules and ranks. After an increase, all comparison columns and ranks are computed again.
const VERSION: i32 = 2;

/// Number of rows per transaction.
const CHUNK: usize = 1_000;

/// Advisory lock that makes other servers wait.
const LOCK: i64 = 0x5a1e_5674;

/// The tables, each with a comparison column that is never null.
fn tables() -> [(&'static Table, &'static str); 3] {
    [
        (industry::table(), "name_key"),
        (company::table(), "name_key"),
        (prospect::table(), "email_key"),
    ]
}

/// Computes the comparison columns, in all organizations, of rows whose comparison columns were not computed by this
/// version of the rules, and of rows written by other programs. The progress of an interrupted call is stored; the next
/// call continues from there. Displayed values, revisions and the change log are unchanged.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn fill(store: &Store, clock: &dyn Clock, progress: &dyn Progress) -> Result<()> {
    if done(store).await? {
        for (table, key) in tables() {
            let mut last = 0;
            while let Some(reached) = uncompared(store, clock, table, key, last).await? {
                last = reached;
            }
        }
        return Ok(());
    }
    let sql = "SELECT \"id\" FROM \"organizations\" ORDER BY \"id\"";
    let statement = Statement::from_string(store.engine().backend(), sql);
    for row in store.write().query_all_raw(statement).await? {
        let organization = row.try_get_by_index(0)?;
        organization_secret::seed(store.write(), store.engine(), organization, clock.now()).await?;
    }
    for (table, _) in tables() {
        progress.begin(table.name, None);
        while let Some(rows) = chunk(store, clock, table).await? {
            progress.advance(rows);
        }
        progress.finish();
    }
    Ok(())
}

async fn done(store: &Store) -> Result<bool> {
    let engine = store.engine();
    let sql = "SELECT count(*) FROM \"comparison_progress\" WHERE \"version\" >= {}";
    let statement = engine.statement(sql, vec![VERSION.into()]);
    let rows = store.write().query_all_raw(statement).await?;
    let count: i64 =
        rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or_default() >= tables().len())
}

/// Computes the columns of the next rows. Returns their number, or `None` if there are no more rows.
async fn chunk(store: &Store, clock: &dyn Clock, table: &'static Table) -> Result<Option<u64>> {
    let engine = store.engine();
    let transaction = store.write().begin().await?;
    if engine == Engine::Postgres {
        let lock = engine.statement("SELECT pg_advisory_xact_lock({})", vec![LOCK.into()]);
        transaction.query_one_raw(lock).await?;
    }
    let sql =
        "SELECT \"version\", \"last_id\" FROM \"comparison_progress\" WHERE \"table_name\" = {}";
    let statement = engine.statement(sql, vec![table.name.into()]);
    let last: i64 = match transaction.query_one_raw(statement).await? {
        Some(row) if row.try_get_by_index::<i32>(0)? >= VERSION => return Ok(None),
        Some(row) => row.try_get_by_index(1)?,
        None => 0,
    };
    let sql = format!(
        "SELECT {} FROM \"{}\" WHERE \"id\" > {{}} ORDER BY \"id\" LIMIT {CHUNK}{}",
        table.column_list(),
        table.name,
        row_lock(engine)
    );
    let rows = transaction.query_all_raw(engine.statement(&sql, vec![last.into()])).await?;
    let rows: Vec<Record> =
        rows.iter().map(|row| Record::read(table, row, 0)).collect::<Result<_>>()?;
    let reached = rows.last().map(Record::id);
    compute(&transaction, engine, clock, table, &rows).await?;
    let (version, last) = match reached {
        Some(reached) => (VERSION - 1, reached),
        None => (VERSION, 0),
    };
    let sql = "INSERT INTO \"comparison_progress\" (\"table_name\", \"version\", \"last_id\") VALUES ({}, {}, {}) \
               ON CONFLICT (\"table_name\") DO UPDATE SET \"version\" = excluded.\"version\", \
               \"last_id\" = excluded.\"last_id\"";
    let binds = vec![table.name.into(), version.into(), last.into()];
    transaction.execute_raw(engine.statement(sql, binds)).await?;
    transaction.commit().await?;
    Ok(reached.map(|_| rows.len() as u64))
}

/// Computes the columns of the next rows after `last` whose comparison columns are missing. Returns the position
/// reached, or `None` if there are no more rows.
async fn uncompared(
    store: &Store,
    clock: &dyn Clock,
    table: &'static Table,
    key: &str,
    last: i64,
) -> Result<Option<i64>> {
    let engine = store.engine();
    let sql = format!(
        "SELECT {} FROM \"{}\" WHERE \"{key}\" IS NULL AND \"id\" > {{}} ORDER BY \"id\" LIMIT {CHUNK}{}",
        table.column_list(),
        table.name,
        row_lock(engine)
    );
    let transaction = store.write().begin().await?;
    let rows = transaction.query_all_raw(engine.statement(&sql, vec![last.into()])).await?;
    let rows: Vec<Record> =
        rows.iter().map(|row| Record::read(table, row, 0)).collect::<Result<_>>()?;
    let Some(reached) = rows.last().map(Record::id) else { return Ok(None) };
    compute(&transaction, engine, clock, table, &rows).await?;
    transaction.commit().await?;
    Ok(Some(reached))
}

/// The lock on the rows to compute, so that no other writer changes them meanwhile.
fn row_lock(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { " FOR NO KEY UPDATE" } else { "" }
}

/// Computes and writes the columns of these rows, and records opt-outs among them.
async fn compute<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    clock: &dyn Clock,
    table: &'static Table,
    rows: &[Record],
) -> Result<()> {
    let mut changed = Vec::new();
    let mut values = Vec::new();
    let mut opted_out = Vec::new();
    for row in rows {
        let mut after = row.clone();
        after.follow();
        if table.computed_places().any(|place| row.at(place) != after.at(place)) {
            if let Some(place) = changed_unique_column(row, &after) {
                let organization = after.organization();
                values.extend([row, &after].map(|row| json!([organization, row.at(place).json()])));
                // A row that refers to itself is exempt from the unique index until the marks are settled.
                let is_marked = *after.at(place) != Value::Null && !after.is_deleted();
                let mark = if is_marked { Value::Int(after.id()) } else { Value::Null };
                after.set_at(table.column_named("duplicate_of"), mark);
            }
            changed.push(change(table, &after));
        }
        if table.name == prospect::table().name
            && let Some(since) = after.time(prospect::Column::UnsubscribedAt)
        {
            let organization = after.key(prospect::Column::OrganizationId)?;
            opted_out.push((
                organization,
                after.text(prospect::Column::EmailKey).to_owned(),
                since,
            ));
        }
    }
    write(connection, engine, table, changed).await?;
    duplicates::settle_marks(connection, engine, table, values).await?;
    opt_out::note_rows(connection, engine, &opted_out, clock.now()).await
}

/// The column of the unique field if its value differs between these versions of a row.
fn changed_unique_column(before: &Record, after: &Record) -> Option<usize> {
    let place = after.table().column_named(after.table().unique_field()?.column);
    (before.at(place) != after.at(place)).then_some(place)
}

/// The columns to write: comparison columns and the mark of duplicates.
fn written_columns(table: &'static Table) -> impl Iterator<Item = &'static Column> {
    let mark = table.find("duplicate_of").map(|mark| &table.columns[mark]);
    table.computed_columns().chain(mark)
}

/// The primary key and written columns of a row, as JSON.
fn change(table: &'static Table, row: &Record) -> Json {
    let columns = written_columns(table);
    let cells = columns
        .map(|column| (column.name.to_owned(), row.at(table.column_named(column.name)).json()));
    let mut change: Map<String, Json> = cells.collect();
    change.insert("id".to_owned(), row.id().into());
    Json::Object(change)
}

/// Writes the comparison columns and marks. One statement.
async fn write<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &'static Table,
    changed: Vec<Json>,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let columns: Vec<&Column> = written_columns(table).collect();
    let set = |value: &dyn Fn(&str) -> String| {
        let set = columns.iter().map(|c| format!("\"{0}\" = {1}", c.name, value(c.name)));
        set.collect::<Vec<_>>().join(", ")
    };
    let (sql, rows): (String, Bind) = match engine {
        Engine::Postgres => {
            let typed = |c: &&Column| {
                let kind = if c.kind == Kind::Text { "text" } else { "bigint" };
                format!("\"{}\" {kind}", c.name)
            };
            let typed: Vec<_> = columns.iter().map(typed).collect();
            let sql = format!(
                "UPDATE \"{}\" r SET {} FROM jsonb_to_recordset({{}}) AS v(\"id\" bigint, {}) \
                 WHERE r.\"id\" = v.\"id\"",
                table.name,
                set(&|name| format!("v.\"{name}\"")),
                typed.join(", ")
            );
            (sql, Value::Json(Json::Array(changed)).bind(Kind::Json))
        }
        Engine::Sqlite => {
            let sql = format!(
                "UPDATE \"{}\" AS r SET {} FROM (SELECT json_extract(value, '$.id') AS \"id\", \
                 value AS \"changed\" FROM json_each({{}})) v WHERE r.\"id\" = v.\"id\"",
                table.name,
                set(&|name| format!("json_extract(v.\"changed\", '$.{name}')"))
            );
            (sql, Json::Array(changed).to_string().into())
        }
    };
    connection.execute_raw(engine.statement(&sql, vec![rows])).await?;
    Ok(())
}

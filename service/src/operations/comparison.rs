//! Comparison columns of rows that were there before them, and opt-outs of their addresses: computed after a migration, and
//! again when the normal forms change.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement, TransactionTrait, Value as Bind};
use serde_json::{Map, Value as Json};

use crate::{
    clock::Clock,
    crm::{company, opt_out, prospect},
    error::Result,
    offer::industry,
    progress::Progress,
    store::{Engine, Store},
    table::{Column, Kind, Table},
    value::Value,
    write::Record,
};

/// The version of the normal forms. A higher one computes all comparison columns again.
const VERSION: i32 = 1;

/// Rows of one transaction.
const CHUNK: usize = 1_000;

/// The name that other servers wait for.
const LOCK: i64 = 0x5a1e_5674;

/// The tables, each with the comparison column that every row of it has.
fn tables() -> [(&'static Table, &'static str); 3] {
    [
        (industry::table(), "name_key"),
        (company::table(), "name_key"),
        (prospect::table(), "email_key"),
    ]
}

/// Computes the comparison columns of all rows of all organizations that have none of this version, and of rows that
/// something else than a server has written. What it has done stays when it is interrupted, and the next call goes on from
/// there. Displayed values, revisions and the change log stay as they are.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
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
        opt_out::seed(store.write(), store.engine(), organization, clock.now()).await?;
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

/// Computes the columns of the next rows; gives how many these were, and nothing when there are no more.
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
        "SELECT {} FROM \"{}\" WHERE \"id\" > {{}} ORDER BY \"id\" LIMIT {CHUNK}",
        table.column_list(),
        table.name
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

/// Computes the columns of the next rows after `last` that have none; gives how far it came, and nothing when there are no
/// more.
async fn uncompared(
    store: &Store,
    clock: &dyn Clock,
    table: &'static Table,
    key: &str,
    last: i64,
) -> Result<Option<i64>> {
    let engine = store.engine();
    let sql = format!(
        "SELECT {} FROM \"{}\" WHERE \"{key}\" IS NULL AND \"id\" > {{}} ORDER BY \"id\" LIMIT {CHUNK}",
        table.column_list(),
        table.name
    );
    let rows = store.write().query_all_raw(engine.statement(&sql, vec![last.into()])).await?;
    let rows: Vec<Record> =
        rows.iter().map(|row| Record::read(table, row, 0)).collect::<Result<_>>()?;
    let Some(reached) = rows.last().map(Record::id) else { return Ok(None) };
    let transaction = store.write().begin().await?;
    compute(&transaction, engine, clock, table, &rows).await?;
    transaction.commit().await?;
    Ok(Some(reached))
}

/// Computes and writes the columns of these rows, and notes the opt-outs among them.
async fn compute<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    clock: &dyn Clock,
    table: &'static Table,
    rows: &[Record],
) -> Result<()> {
    let mut changed = Vec::new();
    let mut opted_out = Vec::new();
    for row in rows {
        let mut after = row.clone();
        after.follow();
        if table.followers().any(|column| row.value(column.name) != after.value(column.name)) {
            changed.push(change(table, &after));
        }
        if table.name == prospect::table().name
            && let Some(since) = after.time("unsubscribed_at")
        {
            let organization = after.number("organization_id").unwrap_or_default();
            opted_out.push((organization, after.text("email_key").to_owned(), since));
        }
    }
    write(connection, engine, table, changed).await?;
    opt_out::note_rows(connection, engine, &opted_out, clock.now()).await
}

/// The key of a row and its columns that follow, as JSON.
fn change(table: &'static Table, row: &Record) -> Json {
    let columns = table.followers();
    let cells = columns.map(|column| (column.name.to_owned(), row.value(column.name).json()));
    let mut change: Map<String, Json> = cells.collect();
    change.insert("id".to_owned(), row.id().into());
    Json::Object(change)
}

/// Writes the columns that follow. One statement.
async fn write<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &'static Table,
    changed: Vec<Json>,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let columns: Vec<&Column> = table.followers().collect();
    let set = |value: &dyn Fn(&str) -> String| {
        let set = columns.iter().map(|c| format!("\"{0}\" = {1}", c.name, value(c.name)));
        set.collect::<Vec<_>>().join(", ")
    };
    let (sql, rows): (String, Bind) = match engine {
        Engine::Postgres => {
            let typed: Vec<_> = columns.iter().map(|c| format!("\"{}\" text", c.name)).collect();
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
                 value AS \"told\" FROM json_each({{}})) v WHERE r.\"id\" = v.\"id\"",
                table.name,
                set(&|name| format!("json_extract(v.\"told\", '$.{name}')"))
            );
            (sql, Json::Array(changed).to_string().into())
        }
    };
    connection.execute_raw(engine.statement(&sql, vec![rows])).await?;
    Ok(())
}

/// Rows of one organization that are the same by a comparison column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// The table: `prospects`.
    pub table: &'static str,
    /// The column that is compared: `email`.
    pub column: &'static str,
    /// The organization.
    pub organization: i64,
    /// The rows, by their keys.
    pub rows: Vec<i64>,
}

/// Rows that are not deleted and have the same e-mail address, profile or name as others of their organization: they were
/// there before normal forms were compared. They are listed, and never merged by themselves.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
pub async fn duplicates(store: &Store) -> Result<Vec<Duplicates>> {
    let mut found = Vec::new();
    for (table, column, key) in [
        (prospect::table(), "email", "email_key"),
        (prospect::table(), "linkedin_url", "linkedin_key"),
        (industry::table(), "name", "name_key"),
    ] {
        let alive =
            if table.find("deleted_at").is_some() { "\"deleted_at\" IS NULL" } else { "1 = 1" };
        let sql = format!(
            "SELECT r.\"organization_id\", r.\"{key}\", r.\"id\" FROM \"{0}\" r JOIN (SELECT \"organization_id\", \
             \"{key}\" FROM \"{0}\" WHERE {alive} AND \"{key}\" IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) d \
             ON d.\"organization_id\" = r.\"organization_id\" AND d.\"{key}\" = r.\"{key}\" \
             WHERE {alive} ORDER BY r.\"id\"",
            table.name
        );
        let statement = Statement::from_string(store.engine().backend(), sql);
        let mut groups: BTreeMap<(i64, String), Vec<i64>> = BTreeMap::new();
        for row in store.write().query_all_raw(statement).await? {
            let group = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            groups.entry(group).or_default().push(row.try_get_by_index(2)?);
        }
        found.extend(groups.into_iter().map(|((organization, _), rows)| Duplicates {
            table: table.name,
            column,
            organization,
            rows,
        }));
    }
    Ok(found)
}

//! Database maintenance: integrity check, vacuum, planner statistics, removal of expired data.

use chrono::{DateTime, Utc};
use engine::{
    change_log,
    error::Result,
    store::{Engine, Store},
    write::{counter, idempotency},
};
use sea_orm::{ConnectionTrait, Statement};

use super::tables;
use crate::{
    catalog, enrichment,
    identity::{login_attempt, one_time_token, outgoing_mail, session},
};

/// Integrity problems of the database; empty if there are none. On SQLite, runs the built-in integrity check of the
/// file and the built-in foreign key check. On Postgres, reads every row and lists invalid indexes and constraints.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn check(store: &Store) -> Result<Vec<String>> {
    match store.engine() {
        Engine::Sqlite => check_file(store, "integrity_check").await,
        Engine::Postgres => check_server(store).await,
    }
}

/// Like [`check`], for a SQLite file whose indexes have just been built: the entries of the indexes are not compared with
/// the rows.
pub(super) async fn check_new_file(store: &Store) -> Result<Vec<String>> {
    check_file(store, "quick_check").await
}

/// The problems of a SQLite file that this built-in check finds, and missing referenced rows.
async fn check_file(store: &Store, check: &str) -> Result<Vec<String>> {
    let connection = store.write();
    let backend = store.engine().backend();
    let mut problems = Vec::new();
    let sql = format!("PRAGMA {check}(100)");
    for row in connection.query_all_raw(Statement::from_string(backend, sql)).await? {
        let text: String = row.try_get_by_index(0)?;
        if text != "ok" {
            problems.push(text);
        }
    }
    let sql = "SELECT \"table\", COALESCE(\"rowid\", 0), \"parent\" FROM pragma_foreign_key_check";
    for row in connection.query_all_raw(Statement::from_string(backend, sql)).await? {
        let (table, parent) =
            (row.try_get_by_index::<String>(0)?, row.try_get_by_index::<String>(2)?);
        let id: i64 = row.try_get_by_index(1)?;
        problems.push(format!("row {id} of {table} references a missing row of {parent}"));
    }
    Ok(problems)
}

/// The problems of a Postgres database.
async fn check_server(store: &Store) -> Result<Vec<String>> {
    let connection = store.write();
    let backend = store.engine().backend();
    let mut problems = Vec::new();
    for table in tables() {
        // Converting a row to text reads all of its bytes, including out-of-line storage.
        let sql =
            format!("SELECT COALESCE(sum(length(t::text)), 0)::bigint FROM \"{}\" t", table.name);
        if let Err(error) = connection.query_one_raw(Statement::from_string(backend, sql)).await {
            problems.push(format!("{}: {error}", table.name));
        }
    }
    let sql = "SELECT 'the index ' || c.relname || ' is not valid' FROM pg_index i \
               JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid \
               UNION ALL SELECT 'the constraint ' || conname || ' is not valid' FROM pg_constraint \
               WHERE NOT convalidated";
    for row in connection.query_all_raw(Statement::from_string(backend, sql)).await? {
        problems.push(row.try_get_by_index(0)?);
    }
    Ok(problems)
}

/// Reclaims the space of deleted rows, and removes their entries from the search index.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn vacuum(store: &Store) -> Result<()> {
    if store.engine() == Engine::Sqlite {
        // Deleted entries are only marked until parts of the index are merged. Databases of versions that predate the
        // search have no search index.
        for table in ["search_documents", "search_names"] {
            let sql = format!("SELECT 1 FROM sqlite_schema WHERE name = '{table}'");
            let statement = Statement::from_string(store.engine().backend(), sql);
            if store.write().query_one_raw(statement).await?.is_some() {
                let merge = format!("INSERT INTO \"{table}\" (\"{table}\") VALUES ('optimize')");
                store.write().execute_unprepared(&merge).await?;
            }
        }
    }
    store.write().execute_unprepared("VACUUM").await?;
    settle(store).await
}

/// Counts again the rows that other rows count, such as the prospects of each company, after another program has written
/// to the database. Returns the number of corrected counters.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn recount(store: &Store) -> Result<u64> {
    let transaction = store.begin().await?;
    let corrected = counter::recount(&transaction, store.engine(), catalog::tables()).await?;
    transaction.commit().await?;
    Ok(corrected)
}

/// Updates planner statistics.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn analyze(store: &Store) -> Result<()> {
    let sql = match store.engine() {
        Engine::Postgres => "ANALYZE",
        // With samples of the values in each index, SQLite would plan a statement again for each different value;
        // averages are sufficient.
        Engine::Sqlite => "ANALYZE; DROP TABLE IF EXISTS sqlite_stat4; ANALYZE sqlite_schema",
    };
    store.write().execute_unprepared(sql).await?;
    Ok(())
}

/// Removes change log entries older than `days` days, and idempotency keys, provider responses, sign-in attempts, sessions
/// and links whose retention period has ended. An error in one of them does not keep the others.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn remove_expired(store: &Store, now: DateTime<Utc>, days: u32) -> Result<()> {
    let entries = change_log::expire(store, now, days).await.map(drop);
    let keys = idempotency::expire(store, now).await;
    let responses = enrichment::expire(store, now).await;
    let attempts = login_attempt::expire(store, now).await;
    let sessions = session::expire(store, now).await;
    let tokens = one_time_token::expire(store, now).await;
    let mails = outgoing_mail::expire(store, now).await;
    entries.and(keys).and(responses).and(attempts).and(sessions).and(tokens).and(mails)
}

/// Moves the write-ahead log of a database into the database file.
pub(super) async fn settle(store: &Store) -> Result<()> {
    if store.engine() == Engine::Sqlite {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let statement = Statement::from_string(store.engine().backend(), sql);
        store.write().query_all_raw(statement).await?;
    }
    Ok(())
}

//! Copies of written rows without the product: the least time that a database takes for them.

use std::{str::FromStr, time::Instant};

use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::{Spent, cpu};

/// Copies the rows of a table into a new table with the same columns and indexes, but without foreign keys and triggers,
/// and drops it. On Postgres with `COPY`, on SQLite with one `INSERT`.
pub(crate) async fn copy(database: &str, table: &str) -> Spent {
    if let Some(path) = database.strip_prefix("sqlite:") {
        return copy_in_sqlite(path, table).await;
    }
    let mut connection = postgres(database).await;
    run(&mut connection, format!("CREATE TABLE bulk_copy (LIKE {table} INCLUDING ALL)")).await;
    let mut rows = Vec::new();
    let mut from = connection.copy_out_raw(&format!("COPY {table} TO STDOUT")).await.unwrap();
    while let Some(part) = futures_util::StreamExt::next(&mut from).await {
        rows.extend_from_slice(&part.unwrap());
    }
    drop(from);
    let (begun, before) = (Instant::now(), cpu::Postgres::now());
    let mut to = connection.copy_in_raw("COPY bulk_copy FROM STDIN").await.unwrap();
    to.send(rows.as_slice()).await.unwrap();
    to.finish().await.unwrap();
    let spent = Spent {
        wall: begun.elapsed().as_secs_f64(),
        cpu: [0.0, cpu::Postgres::now().since(&before)],
    };
    run(&mut connection, "DROP TABLE bulk_copy".to_owned()).await;
    spent
}

async fn copy_in_sqlite(path: &str, table: &str) -> Spent {
    let options = SqliteConnectOptions::new().filename(path).journal_mode(SqliteJournalMode::Wal);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let sql = "SELECT sql FROM sqlite_master WHERE tbl_name = ?1 AND type IN ('table', 'index') \
               AND sql IS NOT NULL ORDER BY type DESC";
    let statements: Vec<(String,)> =
        sqlx::query_as(sql).bind(table).fetch_all(&mut connection).await.unwrap();
    for (statement,) in statements {
        let copied = statement
            .replacen(&format!("TABLE \"{table}\""), "TABLE \"bulk_copy\"", 1)
            .replacen(&format!("ON \"{table}\""), "ON \"bulk_copy\"", 1)
            .replacen("INDEX \"", "INDEX \"bulk_", 1);
        sqlx::query(AssertSqlSafe(copied)).execute(&mut connection).await.unwrap();
    }
    let (begun, before) = (Instant::now(), cpu::seconds("self"));
    // Without a condition, SQLite would copy the pages of a table with the same indexes.
    let insert = format!("INSERT INTO bulk_copy SELECT * FROM \"{table}\" WHERE \"id\" > 0");
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut connection).await.unwrap();
    sqlx::query(AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    let spent =
        Spent { wall: begun.elapsed().as_secs_f64(), cpu: [cpu::seconds("self") - before, 0.0] };
    sqlx::query("DROP TABLE bulk_copy").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    spent
}

async fn postgres(url: &str) -> PgConnection {
    PgConnection::connect_with(&PgConnectOptions::from_str(url).unwrap()).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Creates a database on the server of `url`, without the rows of an earlier run; returns its URL.
pub(crate) async fn new_database(url: &str, name: &str) -> String {
    drop_database(url, name).await;
    run(&mut postgres(url).await, format!("CREATE DATABASE {name}")).await;
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Drops a database if it exists.
pub(crate) async fn drop_database(url: &str, name: &str) {
    run(&mut postgres(url).await, format!("DROP DATABASE IF EXISTS {name}")).await;
}

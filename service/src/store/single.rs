//! Writes that are one statement for the driver: one way to the database and back, and a transaction of
//! their own.

use std::{sync::atomic::Ordering, time::Instant};

use sea_orm::{DbErr, QueryResult, RuntimeErr, Value as Bind};
use sqlx::{AssertSqlSafe, Executor as _, sqlite::SqliteRow};

use super::{Engine, Store, meter, sqlite_readers};
use crate::error::Result;

impl Store {
    /// Runs `sql`, in which every `{}` is the place of the next of `binds`, and commits; gives the rows of all
    /// its statements. On Postgres it is one statement, on SQLite there may be several, joined by `;`.
    ///
    /// # Errors
    /// When it fails, and then nothing is written; [`Error::Unavailable`](crate::Error::Unavailable) also when
    /// the connection was cut before there was an answer, and then nobody knows.
    pub(crate) async fn write_single(
        &self,
        sql: &str,
        binds: Vec<Bind>,
    ) -> Result<Vec<QueryResult>> {
        if let Some(writers) = &self.writers {
            return Ok(writers.run(&Engine::Postgres.statement(sql, binds)).await?);
        }
        let failed = |error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(error.into()));
        let sql = format!("BEGIN IMMEDIATE; {sql}; COMMIT");
        let statement = Engine::Sqlite.statement(&sql, binds);
        self.statements.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let arguments = sqlite_readers::arguments(&statement)?;
        let pool = self.write.get_sqlite_connection_pool();
        let mut writer = pool.acquire().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments);
        // Whoever leaves meanwhile leaves a connection in a transaction: that is noted before it goes back.
        let running = self.left.running();
        let rows = query.fetch_all(&mut *writer).await;
        running.ended();
        meter::note(&statement.sql, rows.as_ref().map_or(0, Vec::len), begun.elapsed());
        match rows {
            Ok(rows) => Ok(rows.into_iter().map(SqliteRow::into).collect()),
            Err(error) => {
                // Fails when SQLite has done so by itself.
                let _ = writer.execute("ROLLBACK").await;
                Err(failed(error).into())
            }
        }
    }
}

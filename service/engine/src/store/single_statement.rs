//! Single-statement writes: each one takes one round trip to the database and has its own transaction.

use std::{sync::atomic::Ordering, time::Instant};

use sea_orm::{DbErr, QueryResult, RuntimeErr, Value as Bind};
use sqlx::{AssertSqlSafe, Executor as _, sqlite::SqliteRow};

use super::{Engine, Store, sqlite_readers, statement_stats};
use crate::error::Result;

impl Store {
    /// Runs `sql`, in which each `{}` is the placeholder of the next bind parameter, commits, and returns the rows of
    /// all statements. On Postgres, `sql` must be one statement; on SQLite, it may consist of several statements,
    /// separated by `;`.
    ///
    /// # Errors
    /// Returns an error if the statement fails, in which case nothing is written.
    /// [`Error::Unavailable`](crate::Error::Unavailable) is also returned if the connection is lost before the
    /// response; then it is unknown whether the write was committed.
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
        // A cancelled call leaves its connection in a transaction; this is recorded before the connection returns to
        // the pool.
        let running = self.left.running();
        let rows = query.fetch_all(&mut *writer).await;
        running.ended();
        statement_stats::note(&statement.sql, rows.as_ref().map_or(0, Vec::len), begun.elapsed());
        match rows {
            Ok(rows) => Ok(rows.into_iter().map(SqliteRow::into).collect()),
            Err(error) => {
                // Fails if SQLite has already rolled back by itself.
                let _ = writer.execute("ROLLBACK").await;
                Err(failed(error).into())
            }
        }
    }
}

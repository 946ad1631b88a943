//! Holds data migrations of an organization apart: two at once would bring the same rows.

use std::fs::File;

use sqlx::{Executor as _, PgConnection};

use super::{Store, lock};
use crate::error::{Error, Result};

/// Held while a data migration runs; given up with the process, however that ends.
#[derive(Debug)]
pub(crate) enum ImportLock {
    /// A lock on a file beside the database.
    #[expect(dead_code, reason = "held, not read")]
    File(File),
    /// An advisory lock of a connection of its own.
    #[expect(dead_code, reason = "held, not read")]
    Session(Box<PgConnection>),
}

fn running() -> Error {
    Error::Conflict(
        crate::Reason::ImportRunning,
        "another import into this organization is running; start this one again when it has ended"
            .to_owned(),
    )
}

impl Store {
    /// Holds the data migrations of an organization.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another one runs.
    pub(crate) async fn lock_import(&self, organization: i64) -> Result<ImportLock> {
        let name = format!("import-{organization}");
        if let Some(file) = &self.file {
            let held = lock::try_hold(file, &name)?.ok_or_else(running)?;
            return Ok(ImportLock::File(held));
        }
        let pool = self.write.get_postgres_connection_pool();
        let connection = pool.acquire().await.map_err(crate::error::of_sqlx)?;
        // Not of the pool any more: the lock ends with the connection.
        let mut connection = connection.detach();
        // It does nothing for as long as the import takes.
        let settings = "SET idle_session_timeout = 0";
        let _ = connection.execute(settings).await;
        let sql = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/' || $1, 0))";
        let is_held: bool = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .map_err(crate::error::of_sqlx)?;
        if is_held { Ok(ImportLock::Session(Box::new(connection))) } else { Err(running()) }
    }
}

//! A lock that serializes the data migrations of an organization: two concurrent migrations would import the same rows
//! twice.

use std::fs::File;

use sqlx::{Executor as _, PgConnection};

use super::{Store, lock};
use crate::error::{Error, Result};

/// A guard that is held during a data migration. The lock is also released when the process exits for any reason.
#[derive(Debug)]
pub enum ImportLock {
    /// A lock on a file next to the database, which is held until the file is closed.
    File(File),
    /// An advisory lock on a dedicated connection.
    Session(Box<PgConnection>),
}

impl ImportLock {
    /// Releases the lock. If the guard is only dropped, the lock is released later, when the server notices the closed
    /// connection, and an import that starts immediately could be rejected.
    pub async fn release(self) {
        if let Self::Session(mut connection) = self {
            // If this fails, the connection is lost, and the lock with it.
            let _ = connection.execute("SELECT pg_advisory_unlock_all()").await;
        }
    }
}

fn running() -> Error {
    Error::Conflict(
        crate::Reason::ImportRunning,
        "another import into this organization is in progress; retry when it has finished"
            .to_owned(),
    )
}

impl Store {
    /// Takes the lock for data migrations of an organization.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another data migration is in progress.
    pub async fn lock_import(&self, organization: i64) -> Result<ImportLock> {
        let name = format!("import-{organization}");
        if let Some(file) = &self.file {
            let held = lock::try_hold(file, &name)?.ok_or_else(running)?;
            return Ok(ImportLock::File(held));
        }
        let pool = self.write.get_postgres_connection_pool();
        let connection = pool.acquire().await.map_err(crate::error::of_sqlx)?;
        // Detached from the pool, so that the lock is released with the connection.
        let mut connection = connection.detach();
        // The connection is idle for the duration of the import.
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

//! Schema migrations: apply, revert and list.

use migration::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::{Engine, Store};
use crate::error::{Error, Result};

impl Store {
    /// Applies all pending migrations in one transaction. A lock serializes servers that start at the same time:
    /// an advisory lock on Postgres, the write lock on SQLite.
    ///
    /// # Errors
    /// [`Error::Internal`] if a migration fails.
    pub async fn migrate_up(&self) -> Result<()> {
        // A role without the privilege to create tables can serve a database that is already migrated.
        let missing = self.migrations().await?.iter().any(|(_, applied)| !applied);
        if missing {
            let transaction = self.begin_migration().await?;
            Migrator::up(&transaction, None).await.map_err(of_another_version)?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Reverts the latest `steps` migrations, including the tables that they created, in one transaction.
    ///
    /// # Errors
    /// [`Error::Internal`] if a migration fails.
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::down(&transaction, Some(steps)).await?;
        Ok(transaction.commit().await?)
    }

    /// Begins a transaction with a lock, because the migration library does not lock: an advisory lock on Postgres,
    /// the write lock on SQLite.
    async fn begin_migration(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // "salesgra" as a number: the advisory lock key of this program.
            let lock =
                "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(8314892176759550561)";
            transaction.execute_unprepared(lock).await?;
        }
        Ok(transaction)
    }

    /// The migrations in order, and whether each one has been applied.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        if self.engine == Engine::Postgres {
            // Without the SELECT privilege, the migration table appears to be missing.
            let hidden = "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'seaql_migrations' \
                          AND relnamespace = current_schema()::regnamespace \
                          AND NOT has_table_privilege(oid, 'SELECT'))";
            let rows = self.query(hidden, Vec::new()).await?;
            if rows.first().map(|row| row.try_get_by_index(0)).transpose()? == Some(true) {
                let message = "the role can't read the table seaql_migrations, so the server can't check which \
                               migrations have been applied; grant the role SELECT on all tables";
                return Err(Error::Conflict(crate::Reason::DatabaseConflict, message.to_owned()));
            }
        }
        let all = Migrator::get_migration_with_status_read_only(&self.write).await;
        let all = all.map_err(of_another_version)?;
        Ok(all
            .iter()
            .map(|one| {
                let applied = one.status() == MigrationStatus::Applied;
                (one.name().to_owned(), applied)
            })
            .collect())
    }
}

/// Converts the error of the library for a migration that was applied but is unknown to this version.
fn of_another_version(error: DbErr) -> Error {
    match &error {
        DbErr::Custom(text) if text.starts_with("Migration file of version") => {
            let text = "this database was migrated by a newer version of salesgraph; use that version or an older \
                        backup";
            Error::Conflict(crate::Reason::DatabaseConflict, text.to_owned())
        }
        // The owner of the database can act on the message of a migration.
        DbErr::Custom(text) if text.starts_with(migration::NEEDS) => {
            Error::Conflict(crate::Reason::DatabaseConflict, text.clone())
        }
        _ => error.into(),
    }
}

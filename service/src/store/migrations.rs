//! Migrations: applied, reverted and listed.

use migration::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::{Engine, Store};
use crate::{
    clock::SystemClock,
    error::{Error, Result},
    operations::comparison,
    progress::Unwatched,
};

impl Store {
    /// Applies the migrations that are missing: all of them or none, and one server after the other,
    /// so that several may start at once.
    ///
    /// # Errors
    /// [`Error::Internal`] when a migration fails.
    pub async fn migrate_up(&self) -> Result<()> {
        // A role that may not create tables serves a database whose tables are all there.
        let missing = self.migrations().await?.iter().any(|(_, applied)| !applied);
        if missing {
            let transaction = self.begin_migration().await?;
            Migrator::up(&transaction, None).await.map_err(of_another_version)?;
            transaction.commit().await?;
        }
        comparison::fill(self, &SystemClock, &Unwatched).await
    }

    /// Takes back the newest `steps` migrations, with the tables they made: all of them or none.
    ///
    /// # Errors
    /// [`Error::Internal`] when a migration fails.
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::down(&transaction, Some(steps)).await?;
        Ok(transaction.commit().await?)
    }

    /// The library takes no lock: on Postgres it is an advisory one, on SQLite the writer's.
    async fn begin_migration(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // "salesgra" as a number: ours among the advisory locks of the database.
            let lock =
                "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(8314892176759550561)";
            transaction.execute_unprepared(lock).await?;
        }
        Ok(transaction)
    }

    /// The migrations in their order, and whether each has been applied.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        if self.engine == Engine::Postgres {
            // A table that a role may not see looks like none.
            let hidden = "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'seaql_migrations' \
                          AND relnamespace = current_schema()::regnamespace \
                          AND NOT has_table_privilege(oid, 'SELECT'))";
            let rows = self.query(hidden, Vec::new()).await?;
            if rows.first().map(|row| row.try_get_by_index(0)).transpose()? == Some(true) {
                let message = "the role may not read the table seaql_migrations, so the server can't check which migrations \
                               have been applied: grant it SELECT on all tables";
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

/// The library says so when a migration was applied that it doesn't know.
fn of_another_version(error: DbErr) -> Error {
    match &error {
        DbErr::Custom(text) if text.starts_with("Migration file of version") => {
            let text = "this database was made by a newer version of salesgraph: use that, or a backup \
                        from before";
            Error::Conflict(crate::Reason::DatabaseConflict, text.to_owned())
        }
        // The owner of the database can act on the message of a migration.
        DbErr::Custom(text) if text.starts_with(migration::NEEDS) => {
            Error::Conflict(crate::Reason::DatabaseConflict, text.clone())
        }
        _ => error.into(),
    }
}

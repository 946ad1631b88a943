//! Reads of single rows in a unit of work, and the locks that keep them unchanged until its end.

use sea_orm::ColumnTrait;
use xxhash_rust::xxh3::xxh3_64;

use super::{Record, Unit};
use crate::{
    error::{Problem, Result},
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// The lock on a row until the end of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowLock {
    /// No lock.
    Unlocked,
    /// `FOR NO KEY UPDATE`: no other transaction can write the row or lock it in this way or as [`Share`](Self::Share).
    /// The key share locks of foreign keys are not blocked.
    Update,
    /// `FOR SHARE`: no other transaction can write the row, but others can hold the same lock.
    Share,
    /// Same as [`Update`](Self::Update), except that a row locked by another transaction is skipped.
    SkipLocked,
}

impl Unit {
    /// Finds a row by primary key, including deleted rows, and locks it until the end of the transaction.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn find(&mut self, table: &'static Table, id: i64) -> Result<Option<Record>> {
        self.locked(table, id, RowLock::Update).await
    }

    /// As [`find`](Self::find), but a missing row is an error for `field`.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the row does not exist.
    pub async fn get(&mut self, table: &'static Table, id: i64, field: &str) -> Result<Record> {
        let found = self.find(table, id).await?;
        found.ok_or_else(|| Problem::not_found(field, table.called).into())
    }

    /// Reads a referenced row and locks it against changes until the end of the transaction. A row with counters is not
    /// locked; see [`counter`](super::counter).
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn referred(&mut self, table: &'static Table, id: i64) -> Result<Option<Record>> {
        if let Some(row) = self.batch.referred(table, id) {
            return Ok(Some(row.clone()));
        }
        let is_locked = table.locked_for_references;
        let lock = if is_locked { RowLock::Share } else { RowLock::Unlocked };
        let row = self.locked(table, id, lock).await?;
        if let Some(row) = row.as_ref().filter(|_| is_locked) {
            self.batch.remember_referred(row);
        }
        Ok(row)
    }

    async fn locked(
        &mut self,
        table: &'static Table,
        id: i64,
        lock: RowLock,
    ) -> Result<Option<Record>> {
        if let Some(row) = self.batch.row(table, id) {
            return Ok(row.clone());
        }
        let lock = match (self.engine(), lock) {
            // SQLite has a single writer.
            (Engine::Sqlite, _) | (_, RowLock::Unlocked) => "",
            (Engine::Postgres, RowLock::Update) => " FOR NO KEY UPDATE",
            (Engine::Postgres, RowLock::Share) => " FOR SHARE",
            (Engine::Postgres, RowLock::SkipLocked) => " FOR NO KEY UPDATE SKIP LOCKED",
        };
        let sql = format!(
            "SELECT {} FROM \"{}\" WHERE \"id\" = {{}} AND \"organization_id\" = {{}}{lock}",
            table.column_list(),
            table.name
        );
        let binds = vec![id.into(), self.scope().organization().into()];
        let rows = self.query(&sql, binds).await?;
        let row = rows.first().map(|row| Record::read(table, row, 0)).transpose()?;
        let Some(row) = row.filter(|row| self.is_visible(row)) else { return Ok(None) };
        Ok(self.sees(table, id).await?.then_some(row))
    }

    /// Whether the row is visible to the caller: private rows are visible to one member only.
    fn is_visible(&self, row: &Record) -> bool {
        let Some(member) = row.table().private_to else { return true };
        self.scope().membership().is_some_and(|own| row.at(member).key() == Some(own))
    }

    /// Same as [`find`](Self::find), for claiming unassigned work: returns `None` if another transaction has locked the
    /// row.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn claim(&mut self, table: &'static Table, id: i64) -> Result<Option<Record>> {
        self.locked(table, id, RowLock::SkipLocked).await
    }

    /// Reads the row with this primary key without a lock.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn peek(&mut self, table: &'static Table, id: i64) -> Result<Option<Record>> {
        self.locked(table, id, RowLock::Unlocked).await
    }

    /// Locks the rows with these primary keys until the end of the transaction, all at once and in a fixed order to
    /// avoid deadlocks between batches.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn lock_rows(&self, table: &'static Table, keys: Vec<i64>) -> Result<()> {
        if self.engine() == Engine::Postgres && !keys.is_empty() {
            let sql = format!(
                "SELECT \"id\" FROM \"{}\" WHERE \"id\" = ANY({{}}) AND \"organization_id\" = {{}} \
                 ORDER BY \"id\" FOR NO KEY UPDATE",
                table.name
            );
            let keys = Value::array(keys.into_iter().map(Value::Int).collect(), Kind::BigInt);
            self.query(&sql, vec![keys, self.scope().organization().into()]).await?;
        }
        Ok(())
    }

    /// The rows whose `column` references `id`, including deleted rows, ordered by primary key and locked until the
    /// end of the transaction.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn below<C: ColumnTrait>(
        &mut self,
        table: &'static Table,
        column: C,
        id: i64,
    ) -> Result<Vec<Record>> {
        self.below_named(table, table.columns[table.column(column)].name, id).await
    }

    /// As [`below`](Self::below), for the column with this name.
    pub(super) async fn below_named(
        &mut self,
        table: &'static Table,
        column: &str,
        id: i64,
    ) -> Result<Vec<Record>> {
        let lock = if self.engine() == Engine::Postgres { " FOR NO KEY UPDATE" } else { "" };
        let sql = format!(
            "SELECT {} FROM \"{}\" WHERE {} ORDER BY \"id\"{lock}",
            table.column_list(),
            table.name,
            self.engine().referencing(column)
        );
        let binds = vec![id.into(), self.scope().organization().into()];
        let rows = self.query(&sql, binds).await?;
        rows.iter().map(|row| Record::read(table, row, 0)).collect()
    }

    /// The key of the advisory lock for a name in a table.
    pub(super) fn lock_of(&self, table: &Table, name: &str) -> i64 {
        let name = format!("{}\0{}\0{name}", self.scope().organization(), table.name);
        xxh3_64(name.as_bytes()).cast_signed()
    }

    /// Takes an advisory lock on a name until the end of the transaction, on Postgres only: SQLite has a single
    /// writer. The lock keeps a value unique if no index enforces its uniqueness.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn advisory_lock(&self, table: &Table, name: &str) -> Result<()> {
        if self.engine() == Engine::Postgres {
            let key = self.lock_of(table, name);
            self.execute("SELECT pg_advisory_xact_lock({})", vec![key.into()]).await?;
        }
        Ok(())
    }
}

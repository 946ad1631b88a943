//! Units of work: a transaction with the change log entries of all its writes.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryResult, Value as Bind};
use serde_json::{Value as Json, json};

use super::{
    counter, duplicate_mark::clear_outdated_mark, guard::apply_guards, insert_plan::InsertPlan,
    row_batch::RowBatch, tally::Tally, unique_field::unique_violation,
};
use crate::record::Record;
use crate::{
    change_log::{self, Entry, kind},
    error::{Error, Result},
    policy::Permission,
    scope::Scope,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// A write transaction of one actor. Dropping it without a commit rolls it back.
pub struct Unit {
    scope: Scope,
    pub(crate) transaction: DatabaseTransaction,
    pub(super) entries: Vec<Entry>,
    pub(super) counts: Vec<counter::Difference>,
    pub(super) tallies: Vec<Tally>,
    pub(super) batch: RowBatch,
    now: DateTime<Utc>,
    made_secret: AtomicBool,
    /// The rows that a restricted caller has created, by table and primary key.
    pub(super) created: HashSet<(&'static str, i64)>,
}

impl Unit {
    /// Begins a transaction.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn begin(scope: &Scope) -> Result<Self> {
        scope.demand(Permission::Write)?;
        let transaction = scope.store().begin().await?;
        Ok(Self {
            now: scope.now(),
            scope: scope.clone(),
            transaction,
            entries: Vec::new(),
            counts: Vec::new(),
            tallies: Vec::new(),
            batch: RowBatch::default(),
            made_secret: AtomicBool::new(false),
            created: HashSet::new(),
        })
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether this unit has created a secret of the organization, which must not be used elsewhere until it is
    /// committed.
    pub fn has_made_secret(&self) -> bool {
        self.made_secret.load(Ordering::Relaxed)
    }

    /// Records that this unit has created a secret of the organization.
    pub fn made_secret(&self) {
        self.made_secret.store(true, Ordering::Relaxed);
    }

    /// The timestamp of all writes in this unit.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Writes the collected writes and the change log entries, and commits.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if another unit has deleted a row that counts rows of this one.
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn commit(mut self) -> Result<()> {
        self.write_batch().await?;
        self.complete_tallies().await?;
        let entries = std::mem::take(&mut self.entries);
        let wrote = !entries.is_empty();
        change_log::append(&self.transaction, &self.scope, self.now, entries).await?;
        counter::apply(&self.transaction, self.engine(), std::mem::take(&mut self.counts)).await?;
        self.transaction.commit().await?;
        if wrote {
            self.scope.store().signal().changed();
        }
        // Needed even without writes: the unit may have read a very recent write of another client.
        self.scope.store().wait_until_replicated().await;
        Ok(())
    }

    pub(super) fn engine(&self) -> Engine {
        self.scope.store().engine()
    }

    /// Runs `sql`, in which each `{}` is the placeholder of the next bind parameter, and returns its rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn query(&self, sql: &str, binds: Vec<Bind>) -> Result<Vec<QueryResult>> {
        Ok(self.transaction.query_all_raw(self.engine().statement(sql, binds)).await?)
    }

    /// As [`query`](Self::query), for a statement without result rows; returns the number of affected rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn execute(&self, sql: &str, binds: Vec<Bind>) -> Result<u64> {
        Ok(self.transaction.execute_raw(self.engine().statement(sql, binds)).await?.rows_affected())
    }

    /// Inserts a row and returns it as stored.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn insert(&mut self, mut record: Record) -> Result<Record> {
        let table = record.table();
        self.check_creation(table)?;
        record.stamp(&self.scope, self.now);
        apply_guards(self, &mut [(None, &mut record)]).await?;
        let (insert, binds) =
            InsertPlan::without_key(table).rows(self.engine(), &[record.values()]);
        let sql = format!("{insert} RETURNING \"id\"");
        let written = self.query(&sql, binds).await;
        let rows = written.map_err(|error| unique_violation(&self.scope, table, error))?;
        let row = rows.first().ok_or_else(|| Error::internal("INSERT returned no primary key"))?;
        record.set_at(table.id(), Value::Int(row.try_get_by_index(0)?));
        self.remember_created(table, record.id());
        let after = Some(record.snapshot());
        self.note(table, Some(record.id()), kind::CREATED, None, after);
        self.count_row(None, Some(&record));
        Ok(record)
    }

    /// Updates the row `before` to `after` and returns the row as stored. If nothing has changed, nothing is
    /// written.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn update(&mut self, before: &Record, after: Record) -> Result<Record> {
        self.update_as(before, after, kind::UPDATED).await
    }

    /// As [`update`](Self::update), recorded in the change log as `kind`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn update_as(
        &mut self,
        before: &Record,
        mut after: Record,
        kind: &'static str,
    ) -> Result<Record> {
        let table = after.table();
        after.follow();
        apply_guards(self, &mut [(Some(before), &mut after)]).await?;
        clear_outdated_mark(before, &mut after);
        let difference = before.difference(&after);
        if difference.is_empty() {
            return Ok(before.clone());
        }
        self.check_change(table, &difference)?;
        if table.find("revision").is_some() {
            let revision = before.number_named("revision").unwrap_or_default() + 1;
            after.set_named("revision", Value::Int(revision));
        }
        after.set_if_present("updated_at", Value::Time(self.now));
        let duplicate = if self.batch.collects_update(before, &after) {
            None
        } else {
            let duplicate = self.assign_duplicates(before, Some(&after)).await?;
            self.write_changes(before, &after).await?;
            duplicate
        };
        let snapshot = Some(after.snapshot());
        self.note(table, Some(after.id()), kind, Some(Json::Object(difference)), snapshot);
        self.count_row(Some(before), Some(&after));
        self.clear_mark(duplicate, before.id()).await?;
        Ok(after)
    }

    /// Writes the columns of a row that have changed.
    async fn write_changes(&self, before: &Record, after: &Record) -> Result<()> {
        let table = after.table();
        let (mut sets, mut binds) = (Vec::new(), Vec::new());
        for (index, column) in table.columns.iter().enumerate() {
            if before.at(index) != after.at(index) {
                sets.push(format!("\"{}\" = {{}}", column.name));
                binds.push(after.at(index).clone().bind(column.kind));
            }
        }
        binds.extend([after.id().into(), self.scope.organization().into()]);
        let sql = format!(
            "UPDATE \"{}\" SET {} WHERE \"id\" = {{}} AND \"organization_id\" = {{}}",
            table.name,
            sets.join(", ")
        );
        let written = self.execute(&sql, binds).await;
        written.map_err(|error| unique_violation(&self.scope, table, error))?;
        Ok(())
    }

    /// Changes all references in `column` from `from` to `to`; returns the number of changed rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn point<C: ColumnTrait>(
        &mut self,
        table: &'static Table,
        column: C,
        from: i64,
        to: Option<i64>,
    ) -> Result<usize> {
        self.point_named(table, table.columns[table.column(column)].name, from, to).await
    }

    /// As [`point`](Self::point), for the column with this name.
    pub(super) async fn point_named(
        &mut self,
        table: &'static Table,
        column: &str,
        from: i64,
        to: Option<i64>,
    ) -> Result<usize> {
        let sql = format!(
            "UPDATE \"{}\" SET \"{column}\" = {{}}, \"revision\" = \"revision\" + 1, \
             \"updated_at\" = {{}} WHERE {} RETURNING {}",
            table.name,
            self.engine().referencing(column),
            table.column_list()
        );
        let target = to.map_or(Value::Null, Value::Int).bind(Kind::BigInt);
        let now = Value::Time(self.now).bind(Kind::Time);
        let binds = vec![target, now, from.into(), self.scope.organization().into()];
        let rows = self.query(&sql, binds).await?;
        for row in &rows {
            let after = Record::read(table, row, 0)?;
            self.batch.take_over(&after);
            let mut previous = after.clone();
            previous.set_named(column, Value::Int(from));
            self.count_row(Some(&previous), Some(&after));
            let before = json!({ column: from });
            let snapshot = Some(after.snapshot());
            self.note(table, Some(after.id()), kind::UPDATED, Some(before), snapshot);
        }
        Ok(rows.len())
    }

    /// Permanently deletes a row.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn delete(&mut self, before: &Record) -> Result<()> {
        self.delete_as(before, kind::DELETED).await
    }

    /// As [`delete`](Self::delete), recorded in the change log as `kind`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn delete_as(&mut self, before: &Record, kind: &'static str) -> Result<()> {
        self.remove(before).await?;
        let snapshot = Some(before.snapshot());
        self.note(before.table(), Some(before.id()), kind, snapshot, None);
        Ok(())
    }

    /// Permanently deletes all rows of `table` whose `column` is `value`, because they belong to a prospect;
    /// returns their number. Their change log entries are cleared with those of the prospect.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn erase_below<C: ColumnTrait>(
        &mut self,
        table: &'static Table,
        (column, value): (C, Bind),
        prospect: i64,
    ) -> Result<usize> {
        let column = table.columns[table.column(column)].name;
        self.erase_below_named(table, (column, value), prospect).await
    }

    /// As [`erase_below`](Self::erase_below), for the column with this name.
    pub(super) async fn erase_below_named(
        &mut self,
        table: &'static Table,
        (column, value): (&str, Bind),
        prospect: i64,
    ) -> Result<usize> {
        let sql = format!(
            "DELETE FROM \"{}\" WHERE {} RETURNING \"id\"",
            table.name,
            self.engine().referencing(column)
        );
        let binds = vec![value, self.scope.organization().into()];
        let rows = self.query(&sql, binds).await?;
        for row in &rows {
            let id: i64 = row.try_get_by_index(0)?;
            self.entries.push(Entry {
                prospect: Some(prospect),
                ..Entry::bare(table, Some(id), kind::ERASED)
            });
        }
        Ok(rows.len())
    }

    /// Erases a prospect: permanently deletes the row and clears the values in the change log of the prospect and of
    /// all rows that ever belonged to it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn erase(&mut self, prospect: &Record) -> Result<()> {
        self.remove(prospect).await?;
        let sql = "UPDATE \"changes\" SET \"before\" = NULL, \"after\" = NULL WHERE \
                   \"prospect_id\" = {} AND \"organization_id\" = {}";
        let binds = vec![prospect.id().into(), self.scope.organization().into()];
        self.execute(sql, binds).await?;
        // The change log entries of this unit have not been written yet.
        for entry in &mut self.entries {
            if entry.prospect == Some(prospect.id()) {
                (entry.before, entry.after) = (None, None);
            }
        }
        self.note(prospect.table(), Some(prospect.id()), kind::ERASED, None, None);
        Ok(())
    }

    async fn remove(&mut self, record: &Record) -> Result<()> {
        let table = record.table();
        self.check_deletion(table)?;
        let duplicate = self.assign_duplicates(record, None).await?;
        let sql = format!(
            "DELETE FROM \"{}\" WHERE \"id\" = {{}} AND \"organization_id\" = {{}}",
            table.name
        );
        let binds = vec![record.id().into(), self.scope.organization().into()];
        self.execute(&sql, binds).await?;
        self.batch.remove(record);
        self.count_row(Some(record), None);
        self.clear_mark(duplicate, record.id()).await
    }

    /// Runs `sql` and returns its count.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn count(&self, sql: &str, binds: Vec<Bind>) -> Result<i64> {
        let rows = self.query(sql, binds).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
    }

    /// Adds an entry to the change log.
    pub fn note(
        &mut self,
        table: &'static Table,
        record: Option<i64>,
        kind: &'static str,
        before: Option<Json>,
        after: Option<Json>,
    ) {
        if table.private_to.is_none() {
            self.entries.push(Entry::of(table, record, kind, before, after));
        } else if kind == kind::CREATED {
            // Subscriptions of the member need the entry; when a row is read concerns no other member.
            self.entries.push(Entry::bare(table, record, kind::PRIVATE));
        }
    }
}

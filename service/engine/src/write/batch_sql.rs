//! Batch writes: one statement for many rows in a unit of work.

use std::collections::HashMap;

use serde_json::json;

use super::{
    Unit, duplicate_mark::mark_new_duplicates, guard::apply_guards, insert_plan::InsertPlan,
    unique_field::unique_violation,
};
use crate::record::Record;
use crate::{
    change_log::kind,
    error::{Error, Result},
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

impl Unit {
    /// Takes advisory locks on names in a fixed order; see [`advisory_lock`](Unit::advisory_lock).
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn advisory_locks(&self, table: &Table, names: Vec<String>) -> Result<()> {
        if self.scope().store().engine() != Engine::Postgres || names.is_empty() {
            return Ok(());
        }
        let mut names: Vec<String> =
            names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        // All batches take locks in the same order.
        names.sort_unstable();
        names.dedup();
        let keys = names.iter().map(|name| Value::Int(self.lock_of(table, name)));
        let keys = Value::array(keys.collect(), Kind::BigInt);
        let sql = "SELECT count(pg_advisory_xact_lock(k)) FROM unnest({}::bigint[]) k";
        self.query(sql, vec![keys]).await?;
        Ok(())
    }

    /// Inserts rows of one table whose primary keys are not needed. The change log records their number.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn insert_all(&mut self, records: Vec<Record>) -> Result<()> {
        let Some(mut records) = self.batch.collects_inserts(records) else { return Ok(()) };
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        let rows = records.len();
        self.put(table, &mut records, None).await?;
        self.note(table, None, kind::IMPORTED, None, Some(json!({ "rows": rows })));
        Ok(())
    }

    /// Inserts rows of one table whose text or key in `column` is distinct. Returns the rows as stored, in the same order.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn insert_all_by(
        &mut self,
        mut records: Vec<Record>,
        column: &str,
    ) -> Result<Vec<Record>> {
        let Some(table) = records.first().map(Record::table) else { return Ok(records) };
        self.put(table, &mut records, Some(column)).await?;
        for record in &records {
            self.remember_created(table, record.id());
            let after = Some(record.snapshot());
            self.note(table, Some(record.id()), kind::CREATED, None, after);
        }
        Ok(records)
    }

    /// Reserves primary keys of a table.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn reserve_keys(&self, table: &'static Table, number: usize) -> Result<Vec<i64>> {
        let sql = match self.scope().store().engine() {
            Engine::Postgres => format!(
                "SELECT nextval(pg_get_serial_sequence('{}', 'id')) FROM generate_series(1, {number})",
                table.name
            ),
            // SQLite has a single writer.
            Engine::Sqlite => format!(
                "SELECT COALESCE((SELECT \"seq\" FROM \"sqlite_sequence\" WHERE \"name\" = '{}'), 0)",
                table.name
            ),
        };
        let rows = self.query(&sql, Vec::new()).await?;
        let keys: Vec<i64> = rows
            .iter()
            .map(|row| row.try_get_by_index(0))
            .collect::<std::result::Result<_, _>>()?;
        Ok(match (self.scope().store().engine(), keys.first()) {
            (Engine::Sqlite, Some(last)) => (1..).map(|next| last + next).take(number).collect(),
            _ => keys,
        })
    }

    /// Inserts rows of one table that already have primary keys and timestamps. The change log records their
    /// number.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn insert_brought(&mut self, mut records: Vec<Record>) -> Result<()> {
        let Some(table) = records.first().map(Record::table) else { return Ok(()) };
        self.check_creation(table)?;
        let count = records.len();
        for record in &mut records {
            record.begin_counters();
            self.count_row(None, Some(record));
        }
        let plan = InsertPlan::all(table.name, &table.columns);
        for records in records.chunks(plan.chunk()) {
            let rows: Vec<_> = records.iter().map(Record::values).collect();
            let (sql, binds) = plan.rows(self.scope().engine(), &rows);
            let written = self.execute(&sql, binds).await;
            written.map_err(|error| unique_violation(self.scope(), table, error))?;
        }
        self.note(table, None, kind::IMPORTED, None, Some(json!({ "rows": count })));
        Ok(())
    }

    async fn put(
        &mut self,
        table: &'static Table,
        records: &mut [Record],
        by: Option<&str>,
    ) -> Result<()> {
        self.check_creation(table)?;
        let plan = InsertPlan::without_key(table);
        let returning = by.map_or_else(String::new, |by| format!(" RETURNING \"id\", \"{by}\""));
        for record in records.iter_mut() {
            record.stamp(self.scope(), self.now());
        }
        let mut guarded: Vec<_> = records.iter_mut().map(|record| (None, record)).collect();
        apply_guards(self, &mut guarded).await?;
        mark_new_duplicates(self, records).await?;
        for records in records.chunks_mut(plan.chunk()) {
            let rows: Vec<_> = records.iter().map(Record::values).collect();
            let (insert, binds) = plan.rows(self.scope().engine(), &rows);
            let sql = format!("{insert}{returning}");
            for record in records.iter() {
                self.count_row(None, Some(record));
            }
            let Some(by) = by else {
                let written = self.execute(&sql, binds).await;
                written.map_err(|error| unique_violation(self.scope(), table, error))?;
                continue;
            };
            // The order of the returned keys is not guaranteed.
            let mut keys: HashMap<String, i64> = HashMap::new();
            let written = self.query(&sql, binds).await;
            let place = table.column_named(by);
            for row in &written.map_err(|error| unique_violation(self.scope(), table, error))? {
                let value = Value::read(row, 1, table.columns[place].kind)?;
                keys.insert(distinct_text(&value), row.try_get_by_index(0)?);
            }
            for record in records {
                let key = keys.get(&distinct_text(record.at(place))).copied();
                let key = key.ok_or_else(|| Error::internal("INSERT returned no primary key"))?;
                record.set_at(table.id(), Value::Int(key));
            }
        }
        Ok(())
    }
}

/// A text that differs for distinct texts, and for distinct keys.
fn distinct_text(value: &Value) -> String {
    value.key().map_or_else(|| value.text().to_owned(), |key| key.to_string())
}

//! Row batches: a unit of work reads and locks many rows in one statement, and writes their updates in one statement per
//! table. The code in between handles one row after the other, with the same functions as for single rows.

use std::collections::{BTreeMap, HashMap};

use sea_orm::Value as Bind;

use super::{Record, Unit, duplicate_mark::loses_unique_value, unique_field::unique_violation};
use crate::{
    error::Result,
    row_source::RowSource,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// Rows that were read in advance, and writes that are collected.
#[derive(Debug, Default)]
pub(super) struct RowBatch {
    is_open: bool,
    /// The current states of the rows by table and primary key; `None` if a row does not exist.
    rows: HashMap<(&'static str, i64), Option<Record>>,
    /// The rows that other rows refer to, by table and primary key.
    referred: HashMap<(&'static str, i64), Record>,
    /// The updated rows by table and primary key: as stored, and as they will be.
    updates: BTreeMap<(&'static str, i64), (Record, Record)>,
    /// Rows to insert whose primary keys are not needed, by table.
    inserts: BTreeMap<&'static str, Vec<Record>>,
}

impl RowBatch {
    /// The row, if it was read in advance.
    pub(super) fn row(&self, table: &Table, id: i64) -> Option<&Option<Record>> {
        self.rows.get(&(table.name, id))
    }

    /// Collects an update. Returns false if the update has to be written immediately: if the batch is not open, or if the
    /// row gets another unique value, which the checks of other rows have to see.
    pub(super) fn collects_update(&mut self, before: &Record, after: &Record) -> bool {
        let table = after.table();
        let key = (table.name, after.id());
        // A row that was not preloaded may be updated again.
        if self.is_open || self.rows.contains_key(&key) {
            self.rows.insert(key, Some(after.clone()));
        }
        let is_immediate = table.unique_field().is_some_and(|field| {
            before.value_named(field.column) != after.value_named(field.column)
        });
        match self.updates.get_mut(&key) {
            Some((_, newest)) => *newest = after.clone(),
            None if self.is_open && !is_immediate => {
                self.updates.insert(key, (before.clone(), after.clone()));
            }
            None => {}
        }
        self.is_open && !is_immediate
    }

    /// Takes over the values of a row that a statement other than an update of this row has written.
    pub(super) fn take_over(&mut self, row: &Record) {
        let key = (row.table().name, row.id());
        let Some(known) = self.rows.get_mut(&key) else { return };
        let Some((before, after)) = self.updates.get_mut(&key) else {
            *known = Some(row.clone());
            return;
        };
        for place in 0..row.table().columns.len() {
            if before.at(place) == after.at(place) {
                after.set_at(place, row.at(place).clone());
            }
            before.set_at(place, row.at(place).clone());
        }
        *known = Some(after.clone());
    }

    /// Forgets a row that was permanently deleted.
    pub(super) fn remove(&mut self, row: &Record) {
        let key = (row.table().name, row.id());
        self.updates.remove(&key);
        if let Some(known) = self.rows.get_mut(&key) {
            *known = None;
        }
    }

    /// Remembers a row that is locked against changes because another row refers to it.
    pub(super) fn remember_referred(&mut self, row: &Record) {
        if self.is_open {
            self.referred.insert((row.table().name, row.id()), row.clone());
        }
    }

    /// A row that another row in the batch refers to.
    pub(super) fn referred(&self, table: &Table, id: i64) -> Option<&Record> {
        self.referred.get(&(table.name, id))
    }

    /// Collects rows to insert. Returns them if the batch is not open.
    pub(super) fn collects_inserts(&mut self, rows: Vec<Record>) -> Option<Vec<Record>> {
        if !self.is_open {
            return Some(rows);
        }
        if let Some(table) = rows.first().map(Record::table) {
            self.inserts.entry(table.name).or_default().extend(rows);
        }
        None
    }
}

impl Unit {
    /// Begins to collect writes, until [`write_batch`](Self::write_batch). Collected are
    /// [`update`](Self::update), [`update_as`](Self::update_as) and [`insert_all`](Self::insert_all); all other
    /// functions write immediately, and their statements do not see the collected writes, except that reads of a single
    /// row return an updated row as it will be.
    pub fn begin_batch(&mut self) {
        self.batch.is_open = true;
    }

    /// Reads rows and locks them until the end of the transaction, in one statement. Until the batch is written,
    /// functions that read a single row return these rows with their collected updates, without a statement.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn preload(&mut self, table: &'static Table, keys: &[i64]) -> Result<()> {
        let mut keys: Vec<i64> = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.batch.row(table, *key).is_none());
        if keys.is_empty() {
            return Ok(());
        }
        let mut binds: Vec<Bind> = Vec::new();
        let among = self.engine().among(&keys, &mut binds);
        binds.push(self.scope().organization().into());
        let lock = if self.engine() == Engine::Postgres { " FOR NO KEY UPDATE" } else { "" };
        // The fixed order avoids deadlocks between batches.
        let sql = format!(
            "SELECT {} FROM \"{}\" WHERE \"id\" {among} AND +\"organization_id\" = {{}} \
             ORDER BY \"id\"{lock}",
            table.column_list(),
            table.name
        );
        let found = self.query(&sql, binds).await?;
        for key in keys {
            self.batch.rows.insert((table.name, key), None);
        }
        let found = found.iter().map(|row| Record::read(table, row, 0));
        let found = found.collect::<Result<Vec<_>>>()?;
        let mut seen = found.iter().map(Record::id).collect();
        self.retain_seen(table, &mut seen).await?;
        for row in found.into_iter().filter(|row| seen.contains(&row.id())) {
            self.batch.rows.insert((table.name, row.id()), Some(row));
        }
        Ok(())
    }

    /// Writes the collected writes and ends the batch. One statement for each table and about 30,000 values, another one
    /// if rows lose their unique value, and a few for each row that has marked duplicates.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn write_batch(&mut self) -> Result<()> {
        let RowBatch { updates, inserts, .. } = std::mem::take(&mut self.batch);
        let mut tables: BTreeMap<&'static str, Vec<(Record, Record)>> = BTreeMap::new();
        for ((table, _), update) in updates {
            tables.entry(table).or_default().push(update);
        }
        for updates in tables.into_values() {
            self.write_updates(updates).await?;
        }
        for rows in inserts.into_values() {
            self.insert_all(rows).await?;
        }
        Ok(())
    }

    async fn write_updates(&mut self, updates: Vec<(Record, Record)>) -> Result<()> {
        let (losing, mut together): (Vec<_>, Vec<_>) = updates
            .into_iter()
            .partition(|(before, after)| loses_unique_value(before, Some(after)));
        // A row in the batch that loses its mark as a duplicate of a losing row is written first.
        let mut alone = Vec::new();
        if !losing.is_empty() {
            self.write_rows(std::mem::take(&mut together)).await?;
            let keys: Vec<i64> = losing.iter().map(|(before, _)| before.id()).collect();
            let referred = self.with_duplicates(losing[0].0.table(), &keys).await?;
            (alone, together) =
                losing.into_iter().partition(|(before, _)| referred.contains(&before.id()));
        }
        self.write_rows(together).await?;
        for (before, after) in alone {
            let duplicate = self.assign_duplicates(&before, Some(&after)).await?;
            let id = before.id();
            self.write_rows(vec![(before, after)]).await?;
            self.clear_mark(duplicate, id).await?;
        }
        Ok(())
    }

    /// Writes the columns that differ in any of these rows of one table.
    async fn write_rows(&mut self, updates: Vec<(Record, Record)>) -> Result<()> {
        let Some(table) = updates.first().map(|(_, after)| after.table()) else { return Ok(()) };
        let key = table.id();
        let differs = |place: &usize| {
            updates.iter().any(|(before, after)| before.at(*place) != after.at(*place))
        };
        let changed: Vec<usize> = (0..table.columns.len()).filter(differs).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let sets: Vec<_> = changed
            .iter()
            .map(|place| table.columns[*place].name)
            .map(|name| format!("\"{name}\" = v.\"{name}\""))
            .collect();
        let places = std::iter::once(key).chain(changed).collect();
        let source = RowSource::new(&table.columns, places);
        for updates in updates.chunks(source.chunk()) {
            let rows: Vec<&[Value]> = updates.iter().map(|(_, after)| after.values()).collect();
            let (rows, mut binds) = source.query(self.engine(), &rows);
            binds.push(self.scope().organization().into());
            let sql = format!(
                "WITH v({}) AS ({rows}) UPDATE \"{}\" AS t SET {} FROM v WHERE t.\"id\" = v.\"id\" \
                 AND +t.\"organization_id\" = {{}}",
                source.names(),
                table.name,
                sets.join(", ")
            );
            let written = self.execute(&sql, binds).await;
            written.map_err(|error| unique_violation(self.scope(), table, error))?;
        }
        Ok(())
    }

    /// Which of these rows have marked duplicates.
    async fn with_duplicates(&self, table: &'static Table, keys: &[i64]) -> Result<Vec<i64>> {
        let mut binds: Vec<Bind> = Vec::new();
        let among = self.engine().among(keys, &mut binds);
        binds.push(self.scope().organization().into());
        let sql = format!(
            "SELECT DISTINCT \"duplicate_of\" FROM \"{}\" WHERE \"duplicate_of\" {among} \
             AND +\"organization_id\" = {{}}",
            table.name
        );
        let rows = self.query(&sql, binds).await?;
        rows.iter()
            .map(|row| Ok(Value::read(row, 0, Kind::BigInt)?.key().unwrap_or_default()))
            .collect()
    }
}

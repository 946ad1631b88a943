//! Marks of duplicates: `duplicate_of` of a row references the unmarked row with the same unique value.
//!
//! Marked rows are those that shared the value before it became unique, or that an import has kept. When the unmarked
//! row is deleted, merged or gets another value, the oldest marked row takes its place in the same transaction.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement, Value as Bind};
use serde_json::json;

use super::Unit;
use crate::{
    change_log::kind,
    error::Result,
    record::Record,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// Clears the mark of a row that is deleted or gets another value, unless the write itself sets the mark.
pub(super) fn clear_outdated_mark(before: &Record, after: &mut Record) {
    let table = after.table();
    let (Some(mark), Some(field)) = (table.duplicate_of(), table.unique_field()) else { return };
    let changes = before.value_named(field.column) != after.value_named(field.column);
    if after.is_deleted() || (changes && before.at(mark) == after.at(mark)) {
        after.set_at(mark, Value::Null);
    }
}

/// The unique value of a row that is neither deleted nor marked.
fn unique_value(record: &Record) -> Option<&Value> {
    let mark = record.table().duplicate_of()?;
    let value = record.value_named(record.table().unique_field()?.column);
    let is_unmarked = *record.at(mark) == Value::Null && !record.is_deleted();
    (is_unmarked && *value != Value::Null).then_some(value)
}

/// Whether a row loses its unique value by a write. `after` is `None` if the row is permanently deleted.
pub(super) fn loses_unique_value(before: &Record, after: Option<&Record>) -> bool {
    let value = unique_value(before);
    value.is_some() && after.and_then(unique_value) != value
}

impl Unit {
    /// The row with this unique value that is neither deleted nor marked, locked against changes until the end of the
    /// unit of work; `None` if only the row `except` has it.
    async fn unmarked_row(
        &mut self,
        table: &'static Table,
        value: &str,
        except: i64,
    ) -> Result<Option<i64>> {
        let (Some(field), false) = (table.unique_field(), value.is_empty()) else {
            return Ok(None);
        };
        self.advisory_lock(table, value).await?;
        let organization = self.scope().organization();
        let values = vec![value.to_owned()];
        let statement = unmarked_rows(self.engine(), table, field.column, organization, values);
        for row in self.transaction.query_all_raw(statement).await? {
            let id: i64 = row.try_get_by_index(1)?;
            if id != except {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Marks a row that gets the unique value of another row by a merge, which must not fail because of it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn mark_if_duplicate(&mut self, record: &mut Record) -> Result<()> {
        let table = record.table();
        let (Some(mark), Some(field)) = (table.duplicate_of(), table.unique_field()) else {
            return Ok(());
        };
        record.follow();
        let value = record.text_named(field.column).to_owned();
        let unmarked = self.unmarked_row(table, &value, record.id()).await?;
        record.set_at(mark, unmarked.map_or(Value::Null, Value::Int));
        Ok(())
    }

    /// Assigns the duplicates of a row that loses its unique value to the oldest of them, and returns that one; `None`
    /// if the row keeps the value or has no duplicates. `after` is `None` if the row is permanently deleted. The
    /// returned row refers to itself until [`clear_mark`](Self::clear_mark), which must follow the write of the row.
    pub(super) async fn assign_duplicates(
        &mut self,
        before: &Record,
        after: Option<&Record>,
    ) -> Result<Option<Record>> {
        let table = before.table();
        let (Some(_), Some(field)) = (table.duplicate_of(), table.unique_field()) else {
            return Ok(None);
        };
        let value = unique_value(before);
        if !loses_unique_value(before, after) && after.is_some() {
            return Ok(None);
        }
        // The rows are locked before one of them is chosen, because another writer may be deleting it.
        let duplicates = self.below_named(table, "duplicate_of", before.id()).await?;
        let Some(oldest) = duplicates.first().map(Record::id) else { return Ok(None) };
        // A deleted or marked row has no duplicates, unless another program has written them.
        let other = if value.is_some() {
            None
        } else {
            let value = duplicates[0].text_named(field.column).to_owned();
            self.unmarked_row(table, &value, before.id()).await?
        };
        let sql = format!(
            "UPDATE \"{}\" SET \"duplicate_of\" = {{}}, \"updated_at\" = {{}} WHERE \"duplicate_of\" = {{}} \
             AND \"organization_id\" = {{}} RETURNING {}",
            table.name,
            table.column_list()
        );
        let now = Value::Time(self.now()).bind(Kind::Time);
        let target: Bind = other.unwrap_or(oldest).into();
        let binds = vec![target, now, before.id().into(), self.scope().organization().into()];
        let mut replacement = None;
        for row in &self.query(&sql, binds).await? {
            let duplicate = Record::read(table, row, 0)?;
            self.batch.take_over(&duplicate);
            if duplicate.number_named("duplicate_of") == Some(duplicate.id()) {
                replacement = Some(duplicate);
            } else {
                self.note_mark(&duplicate, before.id());
            }
        }
        Ok(replacement)
    }

    /// Clears the mark of the row that takes the place of the row `previous`.
    pub(super) async fn clear_mark(
        &mut self,
        duplicate: Option<Record>,
        previous: i64,
    ) -> Result<()> {
        let Some(mut row) = duplicate else { return Ok(()) };
        row.set_named("duplicate_of", Value::Null);
        let sql = format!(
            "UPDATE \"{}\" SET \"duplicate_of\" = NULL WHERE \"id\" = {{}} AND \"organization_id\" = {{}}",
            row.table().name
        );
        self.execute(&sql, vec![row.id().into(), self.scope().organization().into()]).await?;
        self.batch.take_over(&row);
        self.note_mark(&row, previous);
        Ok(())
    }

    fn note_mark(&mut self, row: &Record, previous: i64) {
        let before = Some(json!({ "duplicate_of": previous }));
        self.note(row.table(), Some(row.id()), kind::UPDATED, before, Some(row.snapshot()));
    }
}

/// Marks new rows of a batch whose unique value an existing row has, such as people who share a mailbox and whom a user
/// wants as separate prospects. One statement, or none for tables without marks.
pub(super) async fn mark_new_duplicates(unit: &Unit, records: &mut [Record]) -> Result<()> {
    let Some(table) = records.first().map(Record::table) else { return Ok(()) };
    let (Some(mark), Some(field)) = (table.duplicate_of(), table.unique_field()) else {
        return Ok(());
    };
    let values: Vec<String> = records
        .iter()
        .map(|record| record.text_named(field.column).to_owned())
        .filter(|value| !value.is_empty())
        .collect();
    if values.is_empty() {
        return Ok(());
    }
    let engine = unit.engine();
    let organization = unit.scope().organization();
    let statement = unmarked_rows(engine, table, field.column, organization, values);
    let mut unmarked: HashMap<String, i64> = HashMap::new();
    for row in unit.transaction.query_all_raw(statement).await? {
        unmarked.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    for record in records {
        if let Some(id) = unmarked.get(record.text_named(field.column)) {
            record.set_at(mark, Value::Int(*id));
        }
    }
    Ok(())
}

/// The statement for the unmarked rows with these values: value, primary key. On Postgres, it locks the rows against
/// changes until the end of the transaction.
fn unmarked_rows(
    engine: Engine,
    table: &Table,
    column: &str,
    organization: i64,
    values: Vec<String>,
) -> Statement {
    let mut binds: Vec<Bind> = vec![organization.into()];
    let among = engine.among_texts(values, &mut binds);
    let alive = if table.deleted_at.is_some() { " AND \"deleted_at\" IS NULL" } else { "" };
    let lock = if engine == Engine::Postgres { " FOR SHARE" } else { "" };
    let sql = format!(
        "SELECT \"{column}\", \"id\" FROM \"{}\" WHERE \"organization_id\" = {{}} AND \"{column}\" {among} \
         AND \"duplicate_of\" IS NULL{alive}{lock}",
        table.name
    );
    engine.statement(&sql, binds)
}

/// Marks the rows of a bulk load whose unique value an earlier row of the load or an existing row has. One statement.
pub(super) async fn mark_duplicates<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &Table,
    rows: &mut [Vec<Value>],
) -> Result<()> {
    let (Some(mark), Some(field)) = (table.duplicate_of(), table.unique_field()) else {
        return Ok(());
    };
    let column = table.column_named(field.column);
    let text = |row: &[Value]| match &row[column] {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let values: Vec<String> = rows.iter().filter_map(|row| text(row)).collect();
    let organization = rows.iter().find_map(|row| row[table.organization].key());
    let (Some(organization), false) = (organization, values.is_empty()) else { return Ok(()) };
    let statement = unmarked_rows(engine, table, field.column, organization, values);
    let mut unmarked: HashMap<String, i64> = HashMap::new();
    for row in connection.query_all_raw(statement).await? {
        unmarked.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    for row in rows {
        let deleted = table.deleted_at.is_some_and(|column| row[column] != Value::Null);
        let (Some(value), Some(id), false) = (text(row), row[table.id()].key(), deleted) else {
            continue;
        };
        let first = *unmarked.entry(value).or_insert(id);
        if first != id {
            row[mark] = Value::Int(first);
        }
    }
    Ok(())
}

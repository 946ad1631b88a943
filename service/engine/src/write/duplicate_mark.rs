//! Marks of duplicates: `duplicate_of` of a row references the unmarked row with the same unique value.
//!
//! Marked rows are those that shared the value before it became unique, or that an import has kept. When the unmarked
//! row is deleted, merged or gets another value, the oldest marked row takes its place in the same transaction.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value as Bind};
use serde_json::json;

use super::{Unit, unique_field::row_with_unique_value};
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
    let changes = before.value(field.column) != after.value(field.column);
    if after.is_deleted() || (changes && before.at(mark) == after.at(mark)) {
        after.set_at(mark, Value::Null);
    }
}

/// The unique value of a row that is neither deleted nor marked.
fn unique_value(record: &Record) -> Option<&Value> {
    let mark = record.table().duplicate_of()?;
    let value = record.value(record.table().unique_field()?.column);
    let is_unmarked = *record.at(mark) == Value::Null && !record.is_deleted();
    (is_unmarked && *value != Value::Null).then_some(value)
}

impl Unit {
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
        let unmarked = row_with_unique_value(self, table, record.text(field.column)).await?;
        let unmarked = unmarked.filter(|unmarked| *unmarked != record.id());
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
        let Some(value) = unique_value(before) else { return Ok(None) };
        if after.and_then(unique_value) == Some(value) {
            return Ok(None);
        }
        let name = table.name;
        let sql = format!(
            "UPDATE \"{name}\" SET \"duplicate_of\" = (SELECT min(\"id\") FROM \"{name}\" WHERE \
             \"duplicate_of\" = {{}} AND \"organization_id\" = {{}}), \"revision\" = \"revision\" + 1, \
             \"updated_at\" = {{}} WHERE \"duplicate_of\" = {{}} AND \"organization_id\" = {{}} RETURNING {}",
            table.column_list()
        );
        let row: Bind = before.id().into();
        let organization: Bind = self.scope().organization().into();
        let now = Value::Time(self.now()).bind(Kind::Time);
        let binds = vec![row.clone(), organization.clone(), now, row, organization];
        let mut oldest = None;
        for row in &self.query(&sql, binds).await? {
            let duplicate = Record::read(table, row, 0)?;
            if duplicate.number("duplicate_of") == Some(duplicate.id()) {
                oldest = Some(duplicate);
            } else {
                self.note_mark(&duplicate, before.id());
            }
        }
        Ok(oldest)
    }

    /// Clears the mark of the row that takes the place of the row `previous`.
    pub(super) async fn clear_mark(
        &mut self,
        duplicate: Option<Record>,
        previous: i64,
    ) -> Result<()> {
        let Some(mut row) = duplicate else { return Ok(()) };
        row.set("duplicate_of", Value::Null);
        let sql = format!(
            "UPDATE \"{}\" SET \"duplicate_of\" = NULL WHERE \"id\" = {{}} AND \"organization_id\" = {{}}",
            row.table().name
        );
        self.execute(&sql, vec![row.id().into(), self.scope().organization().into()]).await?;
        self.note_mark(&row, previous);
        Ok(())
    }

    fn note_mark(&mut self, row: &Record, previous: i64) {
        let before = Some(json!({ "duplicate_of": previous }));
        self.note(row.table(), Some(row.id()), kind::UPDATED, before, Some(row.snapshot()));
    }
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
    let column = table.column(field.column);
    let text = |row: &[Value]| match &row[column] {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let values: Vec<String> = rows.iter().filter_map(|row| text(row)).collect();
    let organization = rows.iter().find_map(|row| row[table.organization].key());
    let (Some(organization), false) = (organization, values.is_empty()) else { return Ok(()) };
    let (among, values) = match engine {
        Engine::Postgres => {
            ("= ANY({})", Value::array(values.into_iter().map(Value::Text).collect(), Kind::Text))
        }
        Engine::Sqlite => {
            ("IN (SELECT value FROM json_each({}))", json!(values).to_string().into())
        }
    };
    let alive = if table.deleted_at.is_some() { " AND \"deleted_at\" IS NULL" } else { "" };
    let sql = format!(
        "SELECT \"{column}\", \"id\" FROM \"{}\" WHERE \"organization_id\" = {{}} AND \"{column}\" {among} \
         AND \"duplicate_of\" IS NULL{alive}",
        table.name,
        column = field.column
    );
    let statement = engine.statement(&sql, vec![organization.into(), values]);
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

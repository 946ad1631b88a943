//! Rows with a value for every column.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, IdenStatic, QueryResult};
use serde_json::{Map, Value as Json};

use crate::{
    error::{Error, Result},
    scope::Scope,
    table::Table,
    value::Value,
};

/// A row of a table.
#[derive(Clone, Debug)]
pub struct Record {
    table: &'static Table,
    values: Vec<Value>,
}

impl Record {
    /// Creates a row in which every value is null.
    #[must_use]
    pub fn new(table: &'static Table) -> Self {
        Self { table, values: vec![Value::Null; table.columns.len()] }
    }

    /// A row with these values, in the order of the columns.
    pub(crate) fn of(table: &'static Table, values: Vec<Value>) -> Self {
        Self { table, values }
    }

    /// Reads a row from a query result that has all columns in table order, starting at column `from`.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if a cell has another type.
    pub fn read(table: &'static Table, row: &QueryResult, from: usize) -> Result<Self> {
        let values = table.columns.iter().enumerate();
        let values = values.map(|(index, column)| Value::read(row, from + index, column.kind));
        Ok(Self { table, values: values.collect::<Result<_>>()? })
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// All values, in the order of the columns.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The primary key; 0 before the row is inserted.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.values[self.table.id()].key().unwrap_or_default()
    }

    /// The organization that the row belongs to; `None` before the row is inserted.
    #[must_use]
    pub fn organization(&self) -> Option<i64> {
        self.values[self.table.organization].key()
    }

    /// The value of a column.
    #[must_use]
    pub fn value<C: ColumnTrait>(&self, column: C) -> &Value {
        &self.values[self.table.column(column)]
    }

    /// The value of the column with this name.
    pub(crate) fn value_named(&self, column: &str) -> &Value {
        &self.values[self.table.column_named(column)]
    }

    /// The value at a column index.
    #[must_use]
    pub fn at(&self, column: usize) -> &Value {
        &self.values[column]
    }

    /// The text in a column; empty if it is null.
    #[must_use]
    pub fn text<C: ColumnTrait>(&self, column: C) -> &str {
        self.value(column).text()
    }

    /// The text in the column with this name; empty if it is null.
    pub(crate) fn text_named(&self, column: &str) -> &str {
        self.value_named(column).text()
    }

    /// The number in a column, such as a primary key, or `None` if it is null.
    #[must_use]
    pub fn number<C: ColumnTrait>(&self, column: C) -> Option<i64> {
        self.value(column).key()
    }

    /// The number in the column with this name, or `None` if it is null.
    pub(crate) fn number_named(&self, column: &str) -> Option<i64> {
        self.value_named(column).key()
    }

    /// The primary key in a column that is never null.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if it is null.
    pub fn key<C: ColumnTrait>(&self, column: C) -> Result<i64> {
        self.number(column).ok_or_else(|| {
            let column = IdenStatic::as_str(&column);
            Error::internal(format!("{}.{column} of row {} is null", self.table.name, self.id()))
        })
    }

    /// The timestamp in a column, or `None` if it is null.
    #[must_use]
    pub fn time<C: ColumnTrait>(&self, column: C) -> Option<DateTime<Utc>> {
        self.value(column).time()
    }

    /// Whether a column is not null.
    #[must_use]
    pub fn has<C: ColumnTrait>(&self, column: C) -> bool {
        *self.value(column) != Value::Null
    }

    /// The time of the last write, if the table records it.
    #[must_use]
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        let place = self.table.find("updated_at");
        place.and_then(|place| self.values[place].time())
    }

    /// Whether the row is soft deleted and can be restored.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.table.deleted_at.is_some_and(|column| self.values[column] != Value::Null)
    }

    /// Marks the row as soft deleted, if its table supports it.
    pub fn delete(&mut self, now: DateTime<Utc>) {
        self.set_if_present("deleted_at", Value::Time(now));
    }

    /// Sets a column.
    pub fn set<C: ColumnTrait>(&mut self, column: C, value: Value) {
        let place = self.table.column(column);
        self.values[place] = value;
    }

    /// Sets the column with this name.
    pub(crate) fn set_named(&mut self, column: &str, value: Value) {
        let place = self.table.column_named(column);
        self.values[place] = value;
    }

    /// Copies the column of a rule from another row of the table.
    pub fn copy(&mut self, column: &str, from: &Self) {
        let place = self.table.column_named(column);
        self.values[place] = from.values[place].clone();
    }

    /// Sets the value at a column index.
    pub fn set_at(&mut self, column: usize, value: Value) {
        self.values[column] = value;
    }

    /// Sets the column with this name if the table has one.
    pub(crate) fn set_if_present(&mut self, column: &str, value: Value) {
        if let Some(place) = self.table.find(column) {
            self.values[place] = value;
        }
    }

    /// Sets the revision of a row that comes from elsewhere, if its table has revisions.
    pub fn set_revision(&mut self, revision: i64) {
        self.set_if_present("revision", Value::Int(revision));
    }

    /// Sets the counters of a new row.
    pub(crate) fn begin_counters(&mut self) {
        self.table.begin_counters(&mut self.values);
    }

    /// Sets the computed columns.
    pub fn follow(&mut self) {
        self.table.set_computed_columns(&mut self.values);
    }

    /// Sets the organization, the revision, the timestamps and the computed columns of a new row.
    pub(crate) fn stamp(&mut self, scope: &Scope, now: DateTime<Utc>) {
        self.set_at(self.table.organization, Value::Int(scope.organization()));
        self.set_if_present("revision", Value::Int(1));
        self.set_if_present("created_at", Value::Time(now));
        self.set_if_present("updated_at", Value::Time(now));
        self.begin_counters();
        self.follow();
    }

    /// The row as stored in the change log: a JSON object by column name.
    #[must_use]
    pub fn snapshot(&self) -> Json {
        let told = self.table.visible_columns();
        let cells = told.map(|(place, column)| (column.name.to_owned(), self.values[place].json()));
        Json::Object(cells.collect())
    }

    /// The values of `self` that differ from those in `after`, except for columns that change on every write.
    #[must_use]
    pub fn difference(&self, after: &Self) -> Map<String, Json> {
        let told = self.table.visible_columns();
        told.map(|(place, column)| (column, (&self.values[place], &after.values[place])))
            .filter(|(column, (old, new))| {
                old != new && !matches!(column.name, "updated_at" | "revision")
            })
            .map(|(column, (old, _))| (column.name.to_owned(), old.json()))
            .collect()
    }
}

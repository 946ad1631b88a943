//! The plan of an insertion: the table and the columns. It is rendered to a statement for one row, for many rows, or for
//! a row that depends on a condition.

use sea_orm::Value as Bind;

use crate::row_source::RowSource;
use crate::{
    store::Engine,
    table::{Column, Table},
    value::Value,
};

/// The table and the columns of an insertion.
#[derive(Debug)]
pub(super) struct InsertPlan<'t> {
    table: &'t str,
    source: RowSource<'t>,
}

impl<'t> InsertPlan<'t> {
    /// Inserts all columns.
    pub(super) fn all(table: &'t str, columns: &'t [Column]) -> Self {
        Self { table, source: RowSource::new(columns, (0..columns.len()).collect()) }
    }

    /// Inserts all columns but the primary key, which the database assigns.
    pub(super) fn without_key(table: &'t Table) -> Self {
        let key = table.id();
        let places = (0..table.columns.len()).filter(|place| *place != key).collect();
        Self { table: table.name, source: RowSource::new(&table.columns, places) }
    }

    /// The maximum number of rows in one statement.
    pub(super) fn chunk(&self) -> usize {
        self.source.chunk()
    }

    /// The statement that inserts rows, which have a value for each column of the table, and its bind parameters. Primary
    /// keys are assigned in the order of the rows.
    pub(super) fn rows(&self, engine: Engine, rows: &[&[Value]]) -> (String, Vec<Bind>) {
        let (rows, binds) = self.source.query(engine, rows);
        (format!("{}{rows}", self.head()), binds)
    }

    /// The beginning of a statement that inserts one row, to be followed by the `FROM` or `WHERE` clause of the condition
    /// for it, and its bind parameters.
    pub(super) fn conditional_row(&self, row: &[Value]) -> (String, Vec<Bind>) {
        let sql = format!("{}SELECT {}", self.head(), self.source.placeholders());
        (sql, self.source.binds(row).collect())
    }

    fn head(&self) -> String {
        format!("INSERT INTO \"{}\" ({}) ", self.table, self.source.names())
    }
}

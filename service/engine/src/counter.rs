//! Declarations of counters: columns with the number of rows of another table.

use crate::table::Table;

/// A column that counts the rows of a table that reference its row and are not deleted.
#[derive(Debug)]
pub struct Counter {
    /// The column of the counted row with the reference.
    pub via: &'static str,
    /// The table with the counter.
    pub table: fn() -> &'static Table,
    /// The column of the counter.
    pub column: &'static str,
}

impl Table {
    /// Counts the rows of this table in a column of the rows that they reference.
    #[must_use]
    pub fn counted_in(self, counter: &'static Counter) -> Self {
        let _ = self.column_named(counter.via);
        self.extended(counter)
    }
}

//! Solutions: what we sell.

use std::sync::LazyLock;

use entity::offer::solution;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<solution::Entity>);
    &TABLE
}

//! Industries: how companies and solutions are sorted.

use std::sync::LazyLock;

use entity::offer::industry;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<industry::Entity>);
    &TABLE
}

//! Prospects: the people we sell to.

use std::sync::LazyLock;

use entity::crm::prospect;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<prospect::Entity>);
    &TABLE
}

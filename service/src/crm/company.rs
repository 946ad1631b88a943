//! Companies: the accounts we sell to.

use std::sync::LazyLock;

use entity::crm::company;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<company::Entity>);
    &TABLE
}

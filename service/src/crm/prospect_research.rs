//! What AI found out about a prospect.

use std::sync::LazyLock;

use entity::crm::prospect_research;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<prospect_research::Entity>().hidden_with("prospect_id", super::prospect::table)
    });
    &TABLE
}

//! Interactions: the time line of what happened between us and a prospect.

use std::sync::LazyLock;

use entity::outreach::interaction;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<interaction::Entity>().hidden_with("prospect_id", crate::crm::prospect::table)
    });
    &TABLE
}

//! The ledger of calls to language models.

use std::sync::LazyLock;

use entity::usage::llm_usage_log;

use crate::table::Table;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<llm_usage_log::Entity>);
    &TABLE
}

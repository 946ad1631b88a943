//! Events: where buyers are met.

use std::sync::LazyLock;

use entity::offer::event;

use crate::{
    table::Table,
    vocabulary::{Word, word},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::of::<event::Entity>);
    &TABLE
}

/// The states of an event (`events.status`).
pub const STATUSES: &[Word] = &[
    word("planned", "Known, but not yet open to us."),
    word("open", "We take part; people can be invited."),
    word("completed", "Over."),
    word("cancelled", "Does not take place, or not with us."),
];

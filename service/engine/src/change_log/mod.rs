//! The change log: every write of every entity, in one order shared by all readers.
//!
//! An entry is written in the same transaction as the write it records. Transactions don't commit in the order in
//! which they begin. On Postgres the order is therefore (epoch, transaction number, id), and only entries below the
//! watermark are read, that is, entries with lower transaction numbers than every running transaction. Therefore, no
//! entry can later appear before an entry that has already been read. SQLite has a single writer, so the order on
//! SQLite is the id alone. The epoch distinguishes series of transaction numbers: it increases when a database moves
//! to another cluster.
//!
//! `before` holds the previous values of the changed columns, and `after` the whole row after the write. Readers can
//! filter an entry by the row as it was at that time.

mod append;
mod position;
mod reader;
mod retention;
mod row_filter;
mod stream;

use std::sync::LazyLock;

use entity::governance::change;

pub(crate) use append::{Entry, append, beside};
pub use position::{Position, cursor};
pub use reader::{Stalled, stalled};
pub use retention::{RETENTION_DAYS, expire, open};
pub use stream::{
    BATCH, ChangeNotification, ChangeStream, EntryFilter, MatchChange, SubscribeOptions,
};

use crate::{
    enum_values::{EnumValue, enum_value, enum_value_published_as},
    read::{Direction, List, Nulls, Sort},
    row_scope::RowScope,
    table::Table,
};

/// Names of references in entries that may lead to rows that a restricted caller does not see.
const REFERENCES: &[&str] = &[
    "company_id",
    "duplicate_of",
    "import_job_id",
    "import_record_id",
    "llm_usage_log_id",
    "merged_into_id",
    "service_usage_log_id",
];

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<change::Entity>("change")
            .omitting(change::Column::Kind, kind::PRIVATE)
            .scoped(RowScope::Through("prospect_id", "prospects"))
            .redacting([change::Column::Before, change::Column::After], REFERENCES)
    });
    &TABLE
}

/// Kinds of entries.
pub mod kind {
    /// The row was created.
    pub const CREATED: &str = "created";
    /// The row was updated.
    pub const UPDATED: &str = "updated";
    /// The row was deleted.
    pub const DELETED: &str = "deleted";
    /// The row was restored.
    pub const RESTORED: &str = "restored";
    /// The row was linked to another row.
    pub const LINKED: &str = "linked";
    /// The row was unlinked from another row.
    pub const UNLINKED: &str = "unlinked";
    /// The row was merged into another row and deleted.
    pub const MERGED: &str = "merged";
    /// The row was erased, including its personal data.
    pub const ERASED: &str = "erased";
    /// The personal data of the row was exported.
    pub const EXPORTED: &str = "exported";
    /// Rows were imported, or created as demo data.
    pub const IMPORTED: &str = "imported";
    /// A private row was created. Lists and subscriptions show the entry only on demand.
    pub const PRIVATE: &str = "private";
}

/// Kinds of entries (`changes.kind`).
pub const KINDS: &[EnumValue] = &[
    enum_value(kind::CREATED, "The row was created."),
    enum_value(kind::UPDATED, "The row was updated."),
    enum_value(kind::DELETED, "The row was deleted."),
    enum_value(kind::RESTORED, "The row was restored."),
    enum_value(kind::LINKED, "The row was linked to another row."),
    enum_value(kind::UNLINKED, "The row was unlinked from another row."),
    enum_value(kind::MERGED, "The row was merged into another row and deleted."),
    enum_value(kind::ERASED, "The row was erased (GDPR), including its values in the change log."),
    enum_value(kind::EXPORTED, "The personal data of the row was exported."),
    enum_value(
        kind::IMPORTED,
        "Rows were imported from another system or created as demo data: one entry for many rows.",
    ),
];

/// Kinds of actors (`changes.actor_kind`).
pub const ACTORS: &[EnumValue] = &[
    enum_value_published_as(
        "visitor",
        "local_user",
        "The user of a server on localhost, without an API key.",
    ),
    enum_value("command_line", "The command line of the server."),
    enum_value(
        "person",
        "A person, identified by an API key or, on localhost, by a request header.",
    ),
    enum_value(
        "worker",
        "A program, identified by an API key or, on localhost, by a request header.",
    ),
];

/// A list of entries in the order of the change log, with an empty selection.
#[must_use]
pub fn list(place: String) -> List {
    let table = table();
    let mut list = List::new(table, place);
    list.log = true;
    for name in ["epoch", "transaction_number"] {
        list.order.push(Sort {
            of: 0,
            column: table.column_named(name),
            direction: Direction::Ascending,
            nulls: Nulls::Last,
        });
    }
    list
}

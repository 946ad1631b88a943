//! The change log: every write of every entity, in one order that all readers share.
//!
//! An entry is written in the transaction of the write it tells of. Transactions commit in another
//! order than they begin in, so on Postgres the order is (epoch, number of the transaction, id), and only
//! what lies below every transaction that still runs is read: nothing can come to stand before
//! what a reader has seen. On SQLite there is one writer, and the id alone is that order. The epoch counts
//! the runs of transaction numbers: it goes up when a database moves to another cluster.
//!
//! `before` holds what the write changed, `after` the whole row as it was afterwards, so that a reader
//! can judge an entry by the row of that moment.

mod append;
mod feed;
mod matching;
mod position;
mod reader;
mod upkeep;

use std::sync::LazyLock;

use entity::governance::change;

pub(crate) use append::{Entry, append, beside};
pub use feed::{BATCH, Feed, Follow, Judge, MatchChange, Notice};
pub use position::{Position, cursor};
pub use reader::{Stalled, stalled};
pub use upkeep::{KEPT_DAYS, expire, open};

use crate::{
    read::{Direction, List, Nulls, Sort},
    table::Table,
    vocabulary::{Word, word},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<change::Entity>("change").holding([
            ("entity", 50),
            ("kind", 20),
            ("actor_kind", 20),
            ("request_id", 128),
            ("client_request_id", 128),
        ])
    });
    &TABLE
}

/// What happened to a row.
pub mod kind {
    /// It was made.
    pub const CREATED: &str = "created";
    /// It was written.
    pub const UPDATED: &str = "updated";
    /// It was deleted.
    pub const DELETED: &str = "deleted";
    /// It was restored.
    pub const RESTORED: &str = "restored";
    /// It was linked to another.
    pub const LINKED: &str = "linked";
    /// It was unlinked from another.
    pub const UNLINKED: &str = "unlinked";
    /// It went into another and was deleted.
    pub const MERGED: &str = "merged";
    /// It was erased, with all that was known of it.
    pub const ERASED: &str = "erased";
    /// All that is known of it was handed out.
    pub const EXPORTED: &str = "exported";
    /// Rows were brought over, or made as a demo set.
    pub const IMPORTED: &str = "imported";
}

/// What happened (`changes.kind`).
pub const KINDS: &[Word] = &[
    word(kind::CREATED, "The row was made."),
    word(kind::UPDATED, "The row was written."),
    word(kind::DELETED, "The row was deleted."),
    word(kind::RESTORED, "The row had been deleted and was restored."),
    word(kind::LINKED, "The row was linked to another."),
    word(kind::UNLINKED, "The row was unlinked from another."),
    word(kind::MERGED, "The row went into another and was deleted."),
    word(kind::ERASED, "The row was erased for privacy; what was known of it is gone here too."),
    word(kind::EXPORTED, "All that is known about the row was handed out."),
    word(kind::IMPORTED, "Rows were brought over or made as a demo set: one entry for many."),
];

/// What can change (`changes.entity`).
pub const ENTITIES: &[Word] = &[
    word("company", "A company."),
    word("prospect", "A prospect."),
    word("prospect_research", "A piece of research."),
    word("industry", "An industry."),
    word("solution", "A solution."),
    word("event", "An event."),
    word("interaction", "An interaction."),
    word("outreach_draft", "An outreach draft."),
    word("llm_usage_log", "A call to a language model."),
    word("import_job", "A list that came in."),
    word("import_record", "A row of a list, or of an enrichment."),
    word("enrichment_cache_entry", "What a provider answered."),
    word("field_provenance", "Where a value came from."),
    word("extraction", "What was read out of a file or a page."),
    word("external_id", "A key in another system."),
    word("message_template", "A template of messages."),
    word("template_performance", "How a template did."),
    word("service_usage_log", "A paid call to a service."),
    word("setting", "A setting."),
    word("user", "A person who works in the product."),
    word("api_key", "A key of a program or a person; its secret is nowhere."),
];

/// Who acted (`changes.actor_kind`).
pub const ACTORS: &[Word] = &[
    word("visitor", "The visitor of a server on this machine."),
    word("command_line", "The command line of the server."),
    word("person", "A person: by a key, or named by the client of a server on this machine."),
    word(
        "worker",
        "A program that writes: by a key, or named by the client of a server on this machine.",
    ),
];

/// ` AND` only what lies below every transaction that still runs, on Postgres, in a table called `t`.
pub(crate) const SETTLED: &str = " AND (t.\"epoch\", t.\"transaction_number\") < \
    ((SELECT \"epoch\" FROM \"change_log\"), pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";

/// A list of the log in its order, which carries nothing yet.
#[must_use]
pub fn list(place: String) -> List {
    let table = table();
    let mut list = List::new(table, place);
    list.log = true;
    for name in ["epoch", "transaction_number"] {
        list.order.push(Sort {
            of: 0,
            column: table.column(name),
            direction: Direction::Ascending,
            nulls: Nulls::Last,
        });
    }
    list
}

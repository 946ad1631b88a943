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
    vocabulary::{Word, word, word_published_as},
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
    word(kind::CREATED, "The row was created."),
    word(kind::UPDATED, "The row was updated."),
    word(kind::DELETED, "The row was deleted."),
    word(kind::RESTORED, "The row was restored."),
    word(kind::LINKED, "The row was linked to another."),
    word(kind::UNLINKED, "The row was unlinked from another."),
    word(kind::MERGED, "The row was merged into another and deleted."),
    word(kind::ERASED, "The row was erased (GDPR), including its entries of the change log."),
    word(kind::EXPORTED, "The personal data of the row was exported."),
    word(
        kind::IMPORTED,
        "Rows were imported from another system or created as demo data: one entry for many rows.",
    ),
];

/// What can change (`changes.entity`).
pub const ENTITIES: &[Word] = &[
    word("company", "A company."),
    word("prospect", "A prospect."),
    word("prospect_research", "Prospect research."),
    word("industry", "An industry."),
    word("solution", "A solution."),
    word("event", "An event."),
    word("interaction", "An interaction."),
    word("outreach_draft", "An outreach draft."),
    word("llm_usage_log", "A language-model call."),
    word("import_job", "An import job."),
    word("import_record", "An import record."),
    word("enrichment_cache_entry", "A cached answer of a provider."),
    word("field_provenance", "The provenance of a value."),
    word("extraction", "An extraction."),
    word("external_id", "An external ID."),
    word("message_template", "A message template."),
    word("template_performance", "A performance measurement of a template."),
    word("service_usage_log", "A paid service call."),
    word("setting", "A setting."),
    word("user", "A user."),
    word("api_key", "An API key, without its secret."),
];

/// Who acted (`changes.actor_kind`).
pub const ACTORS: &[Word] = &[
    word_published_as(
        "visitor",
        "local_user",
        "The user of a server on localhost, without an API key.",
    ),
    word("command_line", "The command line of the server."),
    word("person", "A person, by an API key; on localhost, also by a header of the client."),
    word("worker", "A program, by an API key; on localhost, also by a header of the client."),
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

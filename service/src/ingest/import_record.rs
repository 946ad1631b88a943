//! Rows of lists that come in.

use std::sync::LazyLock;

use entity::ingest::import_record;

use crate::{
    table::Table,
    value::Value,
    vocabulary::{Word, word},
    write::Record,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<import_record::Entity>("import_record")
            .holding([
                ("promotion_status", 20),
                ("verdict", 20),
                ("decision", 20),
                ("match_reason", 50),
                ("status", 20),
                ("lease_token", 36),
            ])
            .keeping_secret(["lease_token", "provider_message"])
            // What stands in a list is about people of whom nobody knows yet which prospect they are.
            .confidential()
    });
    &TABLE
}

/// How far the enrichment of a record has come (`import_records.status`).
pub mod status {
    /// It waits for its turn.
    pub const PENDING: &str = "pending";
    /// Providers are being asked.
    pub const PROCESSING: &str = "processing";
    /// They were asked, and what they found was kept.
    pub const ENRICHED: &str = "enriched";
    /// They could not be asked.
    pub const FAILED: &str = "failed";
    /// It was left out.
    pub const SKIPPED: &str = "skipped";
}

/// How far the enrichment of a record has come (`import_records.status`).
pub const STATUSES: &[Word] = &[
    word(status::PENDING, "It waits for its turn, or to be tried again."),
    word(status::PROCESSING, "Providers are being asked."),
    word(status::ENRICHED, "Providers were asked, and what they found was kept."),
    word(status::FAILED, "Providers could not be asked: `lastError` says why."),
    word(status::SKIPPED, "It was left out: `lastError` says why."),
];

/// What becomes of rows (`import_records.verdict`).
pub mod verdict {
    /// Somebody new.
    pub const CREATE: &str = "create";
    /// Somebody we know.
    pub const UPDATE: &str = "update";
    /// A person decides.
    pub const MERGE_CANDIDATE: &str = "merge_candidate";
    /// Nothing new.
    pub const SKIP: &str = "skip";
    /// Nothing can be made of it.
    pub const ERROR: &str = "error";
}

/// Lets providers never have been asked about a new row.
pub(crate) fn nothing_asked(record: &mut Record) {
    record.set("processing_attempts", Value::Int(0));
    for cost in ["cost", "reserved_cost"] {
        record.set(cost, Value::Double(0.0));
    }
}

/// What is to become of a row (`import_records.verdict`).
pub const VERDICTS: &[Word] = &[
    word(verdict::CREATE, "Somebody new."),
    word(verdict::UPDATE, "Somebody we know, of whom it says something more."),
    word(verdict::MERGE_CANDIDATE, "Maybe somebody we know: a person decides."),
    word(verdict::SKIP, "Nothing new."),
    word(verdict::ERROR, "Nothing can be made of it, unless it is repaired."),
];

/// States of a row (`import_records.promotion_status`).
pub mod promotion {
    /// Not written yet.
    pub const NONE: &str = "none";
    /// A prospect was made.
    pub const CREATED: &str = "created";
    /// It is about a prospect that we knew.
    pub const MATCHED: &str = "matched";
    /// It was left out.
    pub const REJECTED: &str = "rejected";
    /// It could not be written.
    pub const FAILED: &str = "failed";
    /// It was taken back.
    pub const UNDONE: &str = "undone";
    /// It was not taken back.
    pub const KEPT: &str = "kept";
}

/// What has become of a row (`import_records.promotion_status`).
pub const PROMOTIONS: &[Word] = &[
    word(promotion::NONE, "Nothing was written of it yet."),
    word(promotion::CREATED, "A prospect was made of it."),
    word(promotion::MATCHED, "It is about somebody we knew, who was filled in where it says more."),
    word(promotion::REJECTED, "It was left out: `reason` says why."),
    word(promotion::FAILED, "Nothing could be made of it: `reason` or `lastError` says why."),
    word(promotion::UNDONE, "What was written of it was taken back."),
    word(promotion::KEPT, "What was written of it was touched since, and so was not taken back."),
];

/// What a person decides on a row (`import_records.decision`).
pub const DECISIONS: &[Word] = &[
    word("create", "Somebody new is made of it."),
    word("merge", "It fills in somebody we know."),
    word("skip", "It is left out."),
];

//! Rows of lists that come in.

use std::sync::LazyLock;

use entity::ingest::import_record;

use crate::{
    ingest::note::Note,
    table::Table,
    value::Value,
    vocabulary::{Word, word, word_published_as},
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
    /// Being enriched.
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
    word(status::PENDING, "Pending, or waiting for a retry."),
    word(status::PROCESSING, "Being enriched."),
    word(status::ENRICHED, "Enriched."),
    word(status::FAILED, "Failed; `lastError` has the reason."),
    word(status::SKIPPED, "Skipped; `lastError` has the reason."),
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
    word(verdict::CREATE, "A new prospect."),
    word(verdict::UPDATE, "An existing prospect, with new values."),
    word(verdict::MERGE_CANDIDATE, "Possibly an existing prospect; a person decides."),
    word(verdict::SKIP, "An existing prospect without new values."),
    word(verdict::ERROR, "Invalid unless corrected."),
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
    word(promotion::NONE, "Not written yet."),
    word(promotion::CREATED, "A prospect was created."),
    word(promotion::MATCHED, "An existing prospect matched; its empty fields were filled in."),
    word(promotion::REJECTED, "Skipped; `reason` has the reason."),
    word(promotion::FAILED, "Failed; `reason` or `lastError` has the reason."),
    word(promotion::UNDONE, "Undone."),
    word_published_as(
        promotion::KEPT,
        "undo_skipped",
        "Not undone, because the prospect was modified since.",
    ),
];

/// What a person decides on a row (`import_records.decision`).
pub const DECISIONS: &[Word] = &[
    word("create", "Create a prospect."),
    word("merge", "Fill in an existing prospect."),
    word("skip", "Skip the row."),
];

/// A record as JSON, its notes as sentences.
#[must_use]
pub(crate) fn readable(record: &Record) -> serde_json::Value {
    let mut json = record.snapshot();
    for column in ["reason", "last_error"] {
        if let Some(serde_json::Value::String(stored)) = json.get_mut(column) {
            *stored = Note::sentences(stored);
        }
    }
    json
}

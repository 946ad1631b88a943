//! Rows of imports and records of enrichments.

use std::sync::LazyLock;

use engine::{
    record::Record,
    table::Table,
    value::Value,
    vocabulary::{Word, word, word_published_as},
    write::ownership::{InExport, OnErase, OnMerge, Ownership},
};
use entity::ingest::import_record;

use crate::ingest::{list, note::Note};

/// Rows about a prospect belong to it, including rows that are linked by e-mail address only.
static PROSPECT: Ownership = Ownership {
    column: "prospect_id",
    owner: "prospects",
    on_erase: OnErase::DeleteBy(list::erase),
    on_merge: OnMerge::RepointAnd(list::merged),
    in_export: InExport::By(list::export),
};

/// Rows of people name their company.
static COMPANY: Ownership = Ownership {
    column: "company_id",
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Repoint,
    in_export: InExport::No,
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
            // Rows contain personal data of people who are not linked to a prospect yet.
            .confidential()
            .belongs_to(&PROSPECT)
            .belongs_to(&COMPANY)
    });
    &TABLE
}

/// Enrichment status of a record (`import_records.status`).
pub mod status {
    /// Pending, or waiting for a retry.
    pub const PENDING: &str = "pending";
    /// Being enriched.
    pub const PROCESSING: &str = "processing";
    /// Enriched; the results are stored.
    pub const ENRICHED: &str = "enriched";
    /// The enrichment failed.
    pub const FAILED: &str = "failed";
    /// Skipped.
    pub const SKIPPED: &str = "skipped";
}

/// Enrichment statuses of a record (`import_records.status`).
pub const STATUSES: &[Word] = &[
    word(status::PENDING, "Pending, or waiting for a retry."),
    word(status::PROCESSING, "Being enriched."),
    word(status::ENRICHED, "Enriched."),
    word(status::FAILED, "Failed; `lastError` has the reason."),
    word(status::SKIPPED, "Skipped; `lastError` has the reason."),
];

/// Verdict on a row (`import_records.verdict`).
pub mod verdict {
    /// A new prospect.
    pub const CREATE: &str = "create";
    /// An existing prospect, with new values.
    pub const UPDATE: &str = "update";
    /// Possibly an existing prospect; requires a decision by a user.
    pub const MERGE_CANDIDATE: &str = "merge_candidate";
    /// An existing prospect without new values.
    pub const SKIP: &str = "skip";
    /// Invalid.
    pub const ERROR: &str = "error";
}

/// Sets the attempt counter and the costs of a new row to zero.
pub(crate) fn nothing_asked(record: &mut Record) {
    record.set("processing_attempts", Value::Int(0));
    for cost in ["cost", "reserved_cost"] {
        record.set(cost, Value::Double(0.0));
    }
}

/// Verdicts on a row (`import_records.verdict`).
pub const VERDICTS: &[Word] = &[
    word(verdict::CREATE, "A new prospect."),
    word(verdict::UPDATE, "An existing prospect, with new values."),
    word(verdict::MERGE_CANDIDATE, "Possibly an existing prospect; requires a decision by a user."),
    word(verdict::SKIP, "An existing prospect without new values."),
    word(verdict::ERROR, "Invalid unless corrected."),
];

/// Promotion status of a row (`import_records.promotion_status`).
pub mod promotion {
    /// Not written yet.
    pub const NONE: &str = "none";
    /// A prospect was created.
    pub const CREATED: &str = "created";
    /// An existing prospect matched.
    pub const MATCHED: &str = "matched";
    /// Skipped.
    pub const REJECTED: &str = "rejected";
    /// Writing the row failed.
    pub const FAILED: &str = "failed";
    /// Undone.
    pub const UNDONE: &str = "undone";
    /// Skipped on undo.
    pub const KEPT: &str = "kept";
}

/// Promotion statuses of a row (`import_records.promotion_status`).
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
        "Not undone, because the prospect was modified after the import.",
    ),
];

/// Decisions of a user on a row (`import_records.decision`).
pub const DECISIONS: &[Word] = &[
    word("create", "Create a prospect."),
    word("merge", "Fill in the empty fields of an existing prospect."),
    word("skip", "Skip the row."),
];

/// A record as JSON, with its notes as sentences.
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

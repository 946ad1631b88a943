//! Rows of imports and records of enrichments.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value, enum_value_published_as},
    error::Result,
    record::Record,
    table::Table,
    value::Value,
    write::Unit,
    write::ownership::{InExport, OnErase, OnMerge, Ownership},
};
pub use entity::ingest::import_record::{Column, Entity};

use super::{note::Note, privacy};

/// Rows about a prospect belong to it, including rows that are linked by e-mail address only.
static PROSPECT_OWNERSHIP: Ownership = Ownership {
    column: Column::ProspectId.name(),
    owner: "prospects",
    on_erase: OnErase::DeleteBy(privacy::erase),
    on_merge: OnMerge::RepointAnd(privacy::merged),
    in_export: InExport::By(privacy::export),
};

/// Rows of people name their company.
static COMPANY_OWNERSHIP: Ownership = Ownership {
    column: Column::CompanyId.name(),
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Repoint,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("import_record")
            .keeping_secret([Column::LeaseToken, Column::ProviderMessage])
            // Rows contain personal data of people who are not linked to a prospect yet.
            .confidential()
            .belongs_to(&PROSPECT_OWNERSHIP)
            .belongs_to(&COMPANY_OWNERSHIP)
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
pub const STATUSES: &[EnumValue] = &[
    enum_value(status::PENDING, "Pending, or waiting for a retry."),
    enum_value(status::PROCESSING, "Being enriched."),
    enum_value(status::ENRICHED, "Enriched."),
    enum_value(status::FAILED, "Failed; `lastError` has the reason."),
    enum_value(status::SKIPPED, "Skipped; `lastError` has the reason."),
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
    record.set(Column::ProcessingAttempts, Value::Int(0));
    for cost in [Column::Cost, Column::ReservedCost] {
        record.set(cost, Value::Double(0.0));
    }
}

/// Records that a revision of a prospect, which an import wrote, is now another one, so that the import can still be
/// undone: prospect, revision, new revision. One statement.
pub(crate) async fn assign_written_revisions(
    unit: &Unit,
    revisions: &[(i64, i64, i64)],
) -> Result<()> {
    if revisions.is_empty() {
        return Ok(());
    }
    let rows = revisions.iter().map(|(prospect, from, to)| vec![*prospect, *from, *to]).collect();
    let (source, bind) = unit.scope().engine().number_rows(3, rows);
    // A prospect has few records, so that the organization should not choose the index.
    let sql = format!(
        "WITH v(\"prospect\", \"from\", \"to\") AS ({source}) UPDATE \"import_records\" AS r \
         SET \"written_revision\" = v.\"to\" FROM v WHERE r.\"prospect_id\" = v.\"prospect\" \
         AND r.\"written_revision\" = v.\"from\" AND +r.\"organization_id\" = {{}}"
    );
    unit.execute(&sql, vec![bind, unit.scope().organization().into()]).await?;
    Ok(())
}

/// Verdicts on a row (`import_records.verdict`).
pub const VERDICTS: &[EnumValue] = &[
    enum_value(verdict::CREATE, "A new prospect."),
    enum_value(verdict::UPDATE, "An existing prospect, with new values."),
    enum_value(
        verdict::MERGE_CANDIDATE,
        "Possibly an existing prospect; requires a decision by a user.",
    ),
    enum_value(verdict::SKIP, "An existing prospect without new values."),
    enum_value(verdict::ERROR, "Invalid; it must be corrected before it can be written."),
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
pub const PROMOTIONS: &[EnumValue] = &[
    enum_value(promotion::NONE, "Not written yet."),
    enum_value(promotion::CREATED, "A prospect was created."),
    enum_value(
        promotion::MATCHED,
        "An existing prospect matched; its empty fields were filled in.",
    ),
    enum_value(promotion::REJECTED, "Skipped; `reason` has the reason."),
    enum_value(promotion::FAILED, "Failed; `reason` or `lastError` has the reason."),
    enum_value(promotion::UNDONE, "Undone."),
    enum_value_published_as(
        promotion::KEPT,
        "undo_skipped",
        "Not undone, because the prospect was modified after the import.",
    ),
];

/// Decisions of a user on a row (`import_records.decision`).
pub const DECISIONS: &[EnumValue] = &[
    enum_value("create", "Create a prospect."),
    enum_value("merge", "Fill in the empty fields of an existing prospect."),
    enum_value("skip", "Skip the row."),
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

//! Field provenance: the value that a provider found for a field of a prospect or a company, and its outcome.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value, enum_value_published_as},
    table::Table,
    write::ownership::{InExport, OnErase, OnMerge, Ownership},
};
pub use entity::ingest::field_provenance::{Column, Entity};

/// Values found for a prospect belong to it.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// Values found for a company belong to it.
static COMPANY_OWNERSHIP: Ownership = Ownership::complete(Column::CompanyId.name(), "companies");

/// A value belongs to its prospect or company, also if it was found for an import record.
static IMPORT_RECORD_OWNERSHIP: Ownership = Ownership {
    column: Column::ImportRecordId.name(),
    owner: "import_records",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("field_provenance")
            .described("The provenance of a value.")
            .belongs_to(&PROSPECT_OWNERSHIP)
            .belongs_to(&IMPORT_RECORD_OWNERSHIP)
            .belongs_to(&COMPANY_OWNERSHIP)
    });
    &TABLE
}

/// Outcome of a value (`field_provenance.outcome`).
pub mod outcome {
    /// Written.
    pub const APPLIED: &str = "applied";
    /// The field already had this value.
    pub const CONFIRMED: &str = "confirmed";
    /// Not written: the policy did not allow replacing the current value.
    pub const KEPT: &str = "kept";
    /// Rejected by the validation rules of the field.
    pub const REFUSED: &str = "refused";
    /// Written, then undone.
    pub const UNDONE: &str = "undone";
}

/// Outcomes of a value that a provider found (`field_provenance.outcome`).
pub const OUTCOMES: &[EnumValue] = &[
    enum_value(outcome::APPLIED, "Written."),
    enum_value(outcome::CONFIRMED, "The field already had this value."),
    enum_value_published_as(
        outcome::KEPT,
        "not_replaced",
        "Not written: the policy did not allow replacing the current value.",
    ),
    enum_value_published_as(
        outcome::REFUSED,
        "rejected",
        "Rejected by the validation rules of the field.",
    ),
    enum_value(outcome::UNDONE, "Written, then undone."),
];

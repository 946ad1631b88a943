//! Where values came from: what a provider found for a field of a prospect or a company, and what became of it.

use std::sync::LazyLock;

use entity::ingest::field_provenance;

use crate::{
    table::Table,
    vocabulary::{Word, word, word_published_as},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<field_provenance::Entity>("field_provenance").holding([
            ("field", 50),
            ("outcome", 20),
            ("source", 50),
        ])
    });
    &TABLE
}

/// What became of a value (`field_provenance.outcome`).
pub mod outcome {
    /// Written.
    pub const APPLIED: &str = "applied";
    /// It was there already.
    pub const CONFIRMED: &str = "confirmed";
    /// Another stays.
    pub const KEPT: &str = "kept";
    /// It was no value that the field takes.
    pub const REFUSED: &str = "refused";
    /// It was taken back.
    pub const UNDONE: &str = "undone";
}

/// What became of a value that a provider found (`field_provenance.outcome`).
pub const OUTCOMES: &[Word] = &[
    word(outcome::APPLIED, "Written."),
    word(outcome::CONFIRMED, "The field already had this value."),
    word_published_as(
        outcome::KEPT,
        "not_replaced",
        "The field kept another value because of the policy.",
    ),
    word_published_as(outcome::REFUSED, "rejected", "Rejected by the validation of the field."),
    word(outcome::UNDONE, "Written, and undone."),
];

//! Cached provider responses, kept until they expire so that no lookup is paid for twice.

use std::sync::LazyLock;

use engine::{
    table::Table,
    write::{
        ownership::Ownership,
        rules::{Delete, Plain, Rules},
    },
};
pub use entity::ingest::enrichment_cache_entry::{Column, Entity};

/// A response about a prospect belongs to it.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("enrichment_cache_entry")
            .described("A cached provider response.")
            // Responses contain personal data.
            .confidential()
            .belongs_to(&PROSPECT_OWNERSHIP)
    });
    &TABLE
}

/// Write rules: an entry can only be deleted, so that the next lookup calls the provider again.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: None,
        update: false,
        delete: Delete::Hard,
        fields: &[],
        links: &[],
        hooks: &Plain,
    };
    &RULES
}

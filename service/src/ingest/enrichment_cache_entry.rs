//! Cached provider responses, kept until they expire so that no lookup is paid for twice.

use std::sync::LazyLock;

use entity::ingest::enrichment_cache_entry;

use crate::{
    table::Table,
    write::rules::{Delete, Plain, Rules},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<enrichment_cache_entry::Entity>("enrichment_cache_entry")
            .holding([("lookup_type", 50), ("source", 50)])
            // Responses contain personal data.
            .confidential()
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
        identity: None,
        fields: &[],
        links: &[],
        hooks: &Plain,
    };
    &RULES
}

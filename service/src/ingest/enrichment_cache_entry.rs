//! What providers were asked and answered: kept until it expires, so that it is not paid for twice.

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
            // What is known of people stands in it.
            .confidential()
    });
    &TABLE
}

/// What may be written: an entry can be thrown away, so that the next one asks again.
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

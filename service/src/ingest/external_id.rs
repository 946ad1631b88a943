//! IDs of rows in other systems. They refer to rows by entity and primary key, without a foreign key, and outlive them: a
//! later run of the import recognizes the row of an erased person by its ID, and does not create it again.

use std::sync::LazyLock;

use engine::{
    table::Table,
    write::rules::{Delete, Plain, Rules},
};
pub use entity::ingest::external_id::{Column, Entity};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::of::<Entity>("external_id").described("An external ID."));
    &TABLE
}

/// Write rules: only data migrations create rows.
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

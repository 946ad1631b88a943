//! Column definitions for later migrations.

use sea_orm_migration::prelude::*;

/// Nullable text with a maximum length in characters.
pub(crate) fn short(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).to_owned()
}

/// Text column for an enum value.
pub(crate) fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(20).not_null().to_owned()
}

/// Counter with default 0.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().default(0).to_owned()
}

/// Nullable integer.
pub(crate) fn number_or_absent(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().to_owned()
}

/// Nullable floating-point number.
pub(crate) fn part(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).double().to_owned()
}

/// Sum with default 0.
pub(crate) fn sum(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).double().not_null().default(0).to_owned()
}

/// Nullable text.
pub(crate) fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().to_owned()
}

/// Nullable foreign key column.
pub(crate) fn pointer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().to_owned()
}

//! Columns as later migrations write them.

use sea_orm_migration::prelude::*;

/// Text of at most so many characters, which may be absent.
pub(crate) fn short(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).to_owned()
}

/// A word of a vocabulary.
pub(crate) fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(20).not_null().to_owned()
}

/// A count, which begins at 0.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().default(0).to_owned()
}

/// A count that may be absent.
pub(crate) fn number_or_absent(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().to_owned()
}

/// A number that may be absent.
pub(crate) fn part(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).double().to_owned()
}

/// A sum, which begins at 0.
pub(crate) fn sum(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).double().not_null().default(0).to_owned()
}

/// Text that may be absent.
pub(crate) fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().to_owned()
}

/// A column that may point to a row.
pub(crate) fn pointer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().to_owned()
}

//! The searchable entities.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    search::{SearchedTable, searched_tables},
};

use crate::catalog;

/// The searchable tables, as they declare it.
#[must_use]
pub fn searched() -> &'static [SearchedTable] {
    static SEARCHED: LazyLock<Vec<SearchedTable>> =
        LazyLock::new(|| searched_tables(catalog::tables()));
    &SEARCHED
}

/// The types of search results, by number.
#[must_use]
pub fn types() -> &'static [EnumValue] {
    static TYPES: LazyLock<Vec<EnumValue>> = LazyLock::new(|| {
        let values = searched().iter().map(|one| enum_value(one.table.called, one.declared.about));
        values.collect()
    });
    &TYPES
}

//! Structured data extracted from a file or a web page.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    table::Table,
    write::rules::{Check, DefaultValue, Rules, field},
};
pub use entity::ingest::extraction::{Column, Entity};

use super::import_job;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of::<Entity>("extraction"));
    &TABLE
}

/// Source of the extraction (`extractions.source_type`).
pub const SOURCES: &[EnumValue] =
    &[enum_value("file", "A file."), enum_value("web_page", "A web page.")];

/// Write rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules::plain(
        table,
        &[
            field(Column::ImportJobId.name()).to(import_job::table),
            field(Column::SourceType.name())
                .checked(Check::OneOf(SOURCES))
                .default_value(DefaultValue::Text("file")),
            field(Column::RetrievedAt.name()).checked(Check::NotLater),
            field(Column::ProjectCode.name()).checked(Check::AtMost(1_000)),
            field(Column::FileUrl.name()).checked(Check::AtMost(2_000)),
            field(Column::ProjectUrl.name()).checked(Check::AtMost(2_000)),
            field(Column::Data.name()),
            field(Column::InstanceId.name()).checked(Check::AtMost(1_000)),
        ],
    );
    &RULES
}

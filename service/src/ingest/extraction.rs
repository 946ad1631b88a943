//! Structured data extracted from a file or a web page.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    table::Table,
    write::rules::{Check, DefaultValue, Rules, field},
};
use entity::ingest::extraction;

use super::import_job;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of::<extraction::Entity>("extraction"));
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
            field("import_job_id").to(import_job::table),
            field("source_type")
                .checked(Check::OneOf(SOURCES))
                .default_value(DefaultValue::Text("file")),
            field("retrieved_at").checked(Check::NotLater),
            field("project_code").checked(Check::AtMost(1_000)),
            field("file_url").checked(Check::AtMost(2_000)),
            field("project_url").checked(Check::AtMost(2_000)),
            field("data"),
            field("instance_id").checked(Check::AtMost(1_000)),
        ],
    );
    &RULES
}

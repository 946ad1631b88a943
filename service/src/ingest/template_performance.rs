//! Template performance: one row per measured template and import job.

use std::sync::LazyLock;

use engine::{
    table::Table,
    write::rules::{Check, Rules, field},
};
pub use entity::ingest::template_performance::{Column, Entity};

use super::import_job;
use crate::outreach::message_template;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("template_performance")
            .described("A performance measurement of a template.")
    });
    &TABLE
}

/// Validation rules.
pub fn rules() -> &'static Rules {
    const RATE: Check = Check::Between(0.0, 1.0);
    static RULES: Rules = Rules::plain(
        table,
        &[
            field(Column::MessageTemplateId.name()).on_create().to(message_template::table),
            field(Column::ImportJobId.name()).on_create().to(import_job::table),
            field(Column::OpenRate.name()).checked(RATE),
            field(Column::ResponseRate.name()).checked(RATE),
            field(Column::ConversionRate.name()).checked(RATE),
        ],
    );
    &RULES
}

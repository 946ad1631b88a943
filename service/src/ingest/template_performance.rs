//! Template performance: one row per measured template and import job.

use std::sync::LazyLock;

use engine::{
    table::Table,
    write::rules::{Check, Rules, field},
};
use entity::ingest::template_performance;

use super::import_job;
use crate::outreach::message_template;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<template_performance::Entity>("template_performance")
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
            field("message_template_id").on_create().to(message_template::table),
            field("import_job_id").on_create().to(import_job::table),
            field("open_rate").checked(RATE),
            field("response_rate").checked(RATE),
            field("conversion_rate").checked(RATE),
        ],
    );
    &RULES
}

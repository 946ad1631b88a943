//! Settings, the entities of the change log, and the schema version of an imported database.

pub mod schema_version;
pub mod setting;

use engine::{
    enum_values::{EnumValue, enum_value},
    table::Table,
};

/// Entities (`changes.entity`).
pub const ENTITIES: &[EnumValue] = &[
    enum_value("company", "A company."),
    enum_value("prospect", "A prospect."),
    enum_value("prospect_research", "Prospect research."),
    enum_value("industry", "An industry."),
    enum_value("solution", "A solution."),
    enum_value("event", "An event."),
    enum_value("interaction", "An interaction."),
    enum_value("outreach_draft", "An outreach draft."),
    enum_value("llm_usage_log", "A language-model call."),
    enum_value("import_job", "An import job."),
    enum_value("import_record", "An import record."),
    enum_value("enrichment_cache_entry", "A cached provider response."),
    enum_value("field_provenance", "The provenance of a value."),
    enum_value("extraction", "An extraction."),
    enum_value("external_id", "An external ID."),
    enum_value("message_template", "A message template."),
    enum_value("template_performance", "A performance measurement of a template."),
    enum_value("service_usage_log", "A paid service call."),
    enum_value("setting", "A setting."),
    enum_value("user", "A user."),
    enum_value("api_key", "An API key, without its secret."),
];

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 1] {
    [setting::table()]
}

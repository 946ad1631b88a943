//! Settings, the entities of the change log, and the schema version of an imported database.

pub mod schema_version;
pub mod setting;

use engine::{
    table::Table,
    vocabulary::{Word, word},
};

/// Entities (`changes.entity`).
pub const ENTITIES: &[Word] = &[
    word("company", "A company."),
    word("prospect", "A prospect."),
    word("prospect_research", "Prospect research."),
    word("industry", "An industry."),
    word("solution", "A solution."),
    word("event", "An event."),
    word("interaction", "An interaction."),
    word("outreach_draft", "An outreach draft."),
    word("llm_usage_log", "A language-model call."),
    word("import_job", "An import job."),
    word("import_record", "An import record."),
    word("enrichment_cache_entry", "A cached provider response."),
    word("field_provenance", "The provenance of a value."),
    word("extraction", "An extraction."),
    word("external_id", "An external ID."),
    word("message_template", "A message template."),
    word("template_performance", "A performance measurement of a template."),
    word("service_usage_log", "A paid service call."),
    word("setting", "A setting."),
    word("user", "A user."),
    word("api_key", "An API key, without its secret."),
];

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 1] {
    [setting::table()]
}

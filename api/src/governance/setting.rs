//! Settings in GraphQL.

use salesgraph_macros::Entity;
use service::governance::setting::{SCOPES, TYPES, rules, table};

use crate::graph::{EnumType, Json, Of, Vocabulary};

/// What an organization says about how the product works for it. Enrichment goes by `llm_provider`, `llm_model`,
/// `llm_prices`, `max_concurrent_enrichments`, `cache_ttl_days`, `daily_spend_limit` (US dollars, by the days of UTC) and
/// `enable_deep_search`; other keys are yours. Owners and admins write them.
#[derive(Entity)]
#[entity(table = table, plural = "settings", writes = rules)]
pub struct Setting {
    /// Its name: one of an organization, whatever the case of its letters.
    #[entity(sort)]
    pub key: String,
    /// What it says.
    pub value: Json,
    /// What the value is; what the first value is when nothing is said.
    pub value_type: Of<SettingType>,
    /// What it is for.
    pub description: Option<String>,
    /// Who added it.
    pub scope: Of<SettingScope>,
}

/// `settings.value_type`.
pub enum SettingType {}

impl Vocabulary for SettingType {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "SettingType", about: "What the value of a setting is.", words: TYPES }
    }
}

/// `settings.scope`.
pub enum SettingScope {}

impl Vocabulary for SettingScope {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "SettingScope", about: "Who added a setting.", words: SCOPES }
    }
}

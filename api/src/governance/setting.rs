//! Settings in GraphQL.

use salesgraph_macros::Entity;
use service::governance::setting::{SCOPES, TYPES, rules, table};

use graph::{EnumColumn, EnumType, Json, Vocabulary};

/// A setting of the organization. Enrichment reads `llm_provider`, `llm_model`, `llm_prices`,
/// `max_concurrent_enrichments`, `cache_ttl_days`, `daily_spend_limit` (US dollars for each UTC day) and
/// `enable_deep_search`; other keys are free to use. Owners and admins write settings.
#[derive(Entity)]
#[entity(table = table, plural = "settings", read = Read, writes = rules, write = ViewStatistics)]
pub struct Setting {
    /// Key, unique in the organization (case-insensitive).
    #[entity(sort)]
    pub key: String,
    /// Value.
    pub value: Json,
    /// Type of the value. Default: the type of the first value.
    pub value_type: EnumColumn<SettingType>,
    /// Description.
    pub description: Option<String>,
    /// Origin.
    pub scope: EnumColumn<SettingScope>,
}

/// `settings.value_type`.
pub enum SettingType {}

impl Vocabulary for SettingType {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "SettingType", about: "Type of the value of a setting.", words: TYPES }
    }
}

/// `settings.scope`.
pub enum SettingScope {}

impl Vocabulary for SettingScope {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "SettingScope", about: "Origin of a setting.", words: SCOPES }
    }
}

//! The plan of an enrichment: providers, and the policy for existing values.

use engine::{
    enum_values::{EnumValue, enum_value},
    record::Record,
};
use entity::ingest::import_job;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::provider::Providers;

/// Maximum number of message variants per prospect.
pub const MAX_VARIANTS: u32 = 10;

/// Providers, in call order.
pub const PROVIDERS: &[EnumValue] = &[
    enum_value(
        "rules",
        "Built-in rules that derive values from known values, without cost or network access.",
    ),
    enum_value("http", "An HTTP lookup service, configured on the server (--lookup-url)."),
    enum_value("llm", "A language model, chosen by the settings llm_provider and llm_model."),
];

/// Policies for existing values.
pub const POLICIES: &[EnumValue] = &[
    enum_value(policy::FILL_EMPTY, "Fills empty fields only."),
    enum_value(
        policy::REPLACE_FOUND,
        "Also replaces values of earlier enrichments, unless they were modified since.",
    ),
    enum_value(policy::OVERWRITE, "Replaces all values, including those that people entered."),
];

/// See [`POLICIES`].
pub(super) mod policy {
    pub(crate) const FILL_EMPTY: &str = "fill_empty";
    pub(crate) const REPLACE_FOUND: &str = "replace_found";
    pub(crate) const OVERWRITE: &str = "overwrite";
}

/// The plan of an enrichment, as stored in `import_jobs.options`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Providers to call: enum values of [`PROVIDERS`].
    pub providers: Vec<String>,
    /// Policy for existing values: an enum value of [`POLICIES`].
    pub policy: String,
    /// Number of message variants per prospect.
    pub variants: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            providers: vec!["rules".to_owned()],
            policy: policy::FILL_EMPTY.to_owned(),
            variants: 0,
        }
    }
}

impl Plan {
    /// The plan of a job, with defaults for missing options.
    pub(super) fn of(job: &Record) -> Self {
        Self::of_options(job.value(import_job::Column::Options))
    }

    /// Whether the plan only reads and writes values with providers that are part of this server, so that no call leaves
    /// it and none costs anything.
    pub(super) fn is_local(&self, providers: &Providers) -> bool {
        let is_local = |name: &String| providers.get(name).is_some_and(|one| !one.is_outside());
        self.variants == 0 && self.providers.iter().all(is_local)
    }

    /// The plan with these options of a job.
    pub(super) fn of_options(options: &engine::Value) -> Self {
        match options {
            engine::Value::Json(options) => {
                serde_json::from_value(options.clone()).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    /// Whether the policy allows replacing the current value.
    pub(super) fn may_replace(&self, current: &str, found_before: Option<&str>) -> bool {
        current.is_empty()
            || self.policy == policy::OVERWRITE
            || self.policy == policy::REPLACE_FOUND && found_before == Some(current)
    }

    pub(super) fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

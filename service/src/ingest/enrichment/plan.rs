//! What an enrichment is to do: who is asked, and what is done with what they find.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    vocabulary::{Word, word},
    write::Record,
};

/// The most ways of writing to a person that are asked for.
pub const MOST_VARIANTS: u32 = 10;

/// Who can be asked, in the order in which they are.
pub const PROVIDERS: &[Word] = &[
    word("rules", "Built-in rules, which derive values from known ones; no cost, no network."),
    word("http", "An HTTP lookup service, configured on the server (--lookup-url)."),
    word("llm", "A language model, chosen by the settings llm_provider and llm_model."),
];

/// What becomes of values that are there already.
pub const POLICIES: &[Word] = &[
    word(policy::FILL_EMPTY, "Fills empty fields only."),
    word(
        policy::REPLACE_FOUND,
        "Also replaces values of earlier enrichments, unless they were modified since.",
    ),
    word(policy::OVERWRITE, "Replaces all values, including those that people entered."),
];

/// See [`POLICIES`].
pub(super) mod policy {
    pub(in super::super) const FILL_EMPTY: &str = "fill_empty";
    pub(in super::super) const REPLACE_FOUND: &str = "replace_found";
    pub(in super::super) const OVERWRITE: &str = "overwrite";
}

/// What an enrichment is to do, as it stands in `import_jobs.options`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Who is asked: words of [`PROVIDERS`].
    pub providers: Vec<String>,
    /// What becomes of values that are there already: a word of [`POLICIES`].
    pub policy: String,
    /// How many ways of writing to each person are to be found.
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
    /// The plan of a job; what is usual where it says nothing.
    pub(super) fn of(job: &Record) -> Self {
        match job.value("options") {
            crate::Value::Json(options) => {
                serde_json::from_value(options.clone()).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    /// Whether the policy lets a value be replaced: nothing there, or found before, or anything.
    pub(super) fn may_replace(&self, current: &str, found_before: Option<&str>) -> bool {
        current.is_empty()
            || self.policy == policy::OVERWRITE
            || self.policy == policy::REPLACE_FOUND && found_before == Some(current)
    }

    pub(super) fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

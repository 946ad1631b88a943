//! The tables of the document and the mapping of their columns.

use engine::{
    enum_values::EnumValue,
    error::{Error, Result},
    table::{Column, Table},
    write::Rules,
};

use super::SourceWord;
use crate::{crm, offer, outreach, usage};

/// A table with its own primary key.
pub(super) struct TableSpec {
    /// The name, in the source and here.
    pub(super) name: &'static str,
    /// The target table.
    pub(super) table: &'static Table,
    /// The write rules of the target table.
    pub(super) rules: &'static Rules,
    /// The references of its columns.
    pub(super) references: &'static [(&'static str, &'static str)],
    /// Columns with enum values.
    pub(super) words: &'static [(&'static str, &'static [EnumValue])],
}

/// The tables, parents before children.
pub(super) fn tables() -> [TableSpec; 9] {
    let spec = |rules: &'static Rules| {
        let table = (rules.table)();
        TableSpec { name: table.name, table, rules, references: &[], words: &[] }
    };
    [
        spec(offer::industry::rules()),
        spec(offer::solution::rules()),
        TableSpec { words: &[("status", offer::event::STATUSES)], ..spec(offer::event::rules()) },
        TableSpec { references: &[("industry_id", "industries")], ..spec(crm::company::rules()) },
        TableSpec { references: &[("company_id", "companies")], ..spec(crm::prospect::rules()) },
        TableSpec {
            references: &[("prospect_id", "prospects")],
            ..spec(crm::prospect_research::rules())
        },
        TableSpec {
            references: &[("prospect_id", "prospects"), ("event_id", "events")],
            ..spec(outreach::interaction::rules())
        },
        TableSpec {
            references: &[("prospect_id", "prospects"), ("event_id", "events")],
            words: &[("status", outreach::outreach_draft::STATUSES)],
            ..spec(outreach::outreach_draft::rules())
        },
        spec(usage::llm_usage_log::rules()),
    ]
}

impl TableSpec {
    /// The name of a target column in the source; `None` if the document does not have it. Columns that were added
    /// after the document come after the timestamps.
    pub(super) fn source_column(&self, column: &Column) -> Option<&'static str> {
        let later = self.table.column_named(column.name) > self.table.column_named("updated_at");
        match column.name {
            _ if later => None,
            "organization_id" | "revision" | "deleted_at" | "domain" => None,
            // The document misspells this name.
            "workflow_name" => Some("worfklow_name"),
            name => Some(name),
        }
    }
}

/// Rejects a mapping of a column without enum values, or to an unknown enum value.
pub(super) fn check_word(word: &SourceWord, to: &str) -> Result<()> {
    let tables = tables();
    let known = tables
        .iter()
        .filter(|spec| spec.name == word.table)
        .flat_map(|spec| spec.words)
        .find(|(column, _)| *column == word.column);
    let Some((_, words)) = known else {
        let message = "`map` supports only outreach_drafts.status and events.status";
        return Err(Error::invalid(engine::Reason::SourceInvalid, "map", message));
    };
    if words.iter().any(|known| known.name == to) {
        return Ok(());
    }
    let words: Vec<&str> = words.iter().map(|word| word.name).collect();
    let message = format!(
        "{}.{} has no enum value `{to}`; allowed values: {}",
        word.table,
        word.column,
        words.join(", ")
    );
    Err(Error::invalid(engine::Reason::SourceInvalid, "map", message))
}

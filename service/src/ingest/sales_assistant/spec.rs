//! The tables of the document, and where each column goes.

use super::SourceWord;
use crate::{
    crm,
    error::{Error, Result},
    offer, outreach,
    table::{Column, Table},
    usage,
    vocabulary::Word,
    write::Rules,
};

/// A table with a key of its own.
pub(super) struct TableSpec {
    /// Its name, in the source and here.
    pub(super) name: &'static str,
    /// Our table.
    pub(super) table: &'static Table,
    /// What may be written to it.
    pub(super) rules: &'static Rules,
    /// What its columns point to.
    pub(super) references: &'static [(&'static str, &'static str)],
    /// Columns with a closed vocabulary.
    pub(super) words: &'static [(&'static str, &'static [Word])],
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
    /// The name of our column in the source; `None` when the document doesn't have it. What came after
    /// the document stands behind the stamps.
    pub(super) fn source_column(&self, column: &Column) -> Option<&'static str> {
        let later = self.table.column(column.name) > self.table.column("updated_at");
        match column.name {
            _ if later => None,
            "organization_id" | "revision" | "deleted_at" | "domain" => None,
            // The document's spelling.
            "workflow_name" => Some("worfklow_name"),
            name => Some(name),
        }
    }
}

/// Refuses a mapping of a column without a closed vocabulary, or to a word it doesn't have.
pub(super) fn check_word(word: &SourceWord, to: &str) -> Result<()> {
    let tables = tables();
    let known = tables
        .iter()
        .filter(|spec| spec.name == word.table)
        .flat_map(|spec| spec.words)
        .find(|(column, _)| *column == word.column);
    let Some((_, words)) = known else {
        let message = "only outreach_drafts.status and events.status have words to be mapped";
        return Err(Error::invalid(crate::Reason::SourceInvalid, "map", message));
    };
    if words.iter().any(|known| known.name == to) {
        return Ok(());
    }
    let words: Vec<&str> = words.iter().map(|word| word.name).collect();
    let message =
        format!("{}.{} knows no `{to}`, but {}", word.table, word.column, words.join(", "));
    Err(Error::invalid(crate::Reason::SourceInvalid, "map", message))
}

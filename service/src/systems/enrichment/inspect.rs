//! Validates every row of the source before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::{error::Result, value::Value};

use super::{
    Finding,
    cell::{Cell, Kind},
    key_set::KeySet,
    record::{Keys, record},
    source::{Source, SourceRow},
    tables::{SourceTable, TABLES},
};
use crate::governance::setting;

/// The maximum number of examples of a finding.
const EXAMPLES: usize = 5;

/// The maximum length of an example in characters.
const MAX_EXAMPLE_LENGTH: usize = 60;

/// A validation error of a row: the column and the reason.
pub(super) type Fault = (String, String);

/// Validates rows table by table, because some errors depend on earlier rows.
#[derive(Default)]
pub(super) struct Inspector {
    keys: HashMap<&'static str, KeySet>,
    places: KeySet,
    folded: HashSet<String>,
    /// Whether rows with errors are skipped, together with the rows that require them.
    skips: bool,
}

impl Inspector {
    pub(super) fn new(skips: bool) -> Self {
        Self { skips, ..Self::default() }
    }

    /// All reasons to reject a row.
    pub(super) fn faults(&mut self, table: &'static SourceTable, row: &SourceRow) -> Vec<Fault> {
        let key = row.cells.get(table.key).map(Cell::key).unwrap_or_default();
        let mut faults = Vec::new();
        let mut note = |column: &str, reason: String| faults.push((column.to_owned(), reason));
        for (column, kind) in table.columns {
            match row.cells[column].value(*kind) {
                Err(reason) => note(column, reason),
                // JSON null in a required column counts as a missing value.
                Ok(Value::Null)
                    if table.mandatory.contains(column)
                        && !(*kind == Kind::Json && row.cells[column] != Cell::Null) =>
                {
                    note(column, "is null, but a value is required".to_owned());
                }
                Ok(_) => {}
            }
        }
        if key.chars().count() > 255 {
            note(table.key, "is longer than 255 characters".to_owned());
        }
        for (column, to, is_needed) in table.references {
            let to_key = row.cells[column].key();
            let there = self.keys.get(to).is_some_and(|known| known.contains(&[&to_key]));
            if *is_needed && !there {
                note(column, format!("references a missing row of {to}"));
            }
        }
        if table.name == "settings"
            && let Some(reason) = refused(table, row)
        {
            note("value", reason);
        }
        let place: Vec<String> =
            table.unique.iter().map(|column| row.cells[column].key()).collect();
        let mut parts = vec![table.name];
        parts.extend(place.iter().map(String::as_str));
        if !place.is_empty() && !self.places.insert(&parts) {
            note(&table.unique.join(", "), "is a duplicate".to_owned());
        }
        if table.name == "settings" && !self.folded.insert(key.to_lowercase()) {
            note(table.key, "is a duplicate (ignoring case)".to_owned());
        }
        let known = self.keys.entry(table.name).or_default();
        if known.contains(&[&key]) {
            note(table.key, "is a duplicate".to_owned());
        }
        if faults.is_empty() || !self.skips {
            known.insert(&[&key]);
        }
        faults
    }
}

/// Findings by column and reason.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<(String, String), (u64, Vec<String>)>);

impl Findings {
    /// Adds a row, identified by its key.
    pub(super) fn note(
        &mut self,
        table: &SourceTable,
        column: &str,
        reason: &str,
        row: &SourceRow,
    ) {
        let place = (format!("{}.{column}", table.name), reason.to_owned());
        let (count, examples) = self.0.entry(place).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            let key = row.cells.get(table.key).map(Cell::key).unwrap_or_default();
            let end = key.char_indices().nth(MAX_EXAMPLE_LENGTH).map(|(place, _)| place);
            examples.push(end.map_or(key.clone(), |end| format!("{}…", &key[..end])));
        }
    }

    /// The findings for the report.
    pub(super) fn list(self) -> Vec<Finding> {
        let told = self.0.into_iter();
        let told = told.map(|((place, reason), (rows, examples))| Finding {
            place,
            reason,
            rows,
            examples,
        });
        told.collect()
    }
}

/// All reasons to reject rows.
pub(super) async fn all(source: &Source) -> Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let mut inspector = Inspector::new(false);
    for table in TABLES {
        let mut after = i64::MIN;
        loop {
            let rows = source.rows(table.name, table.columns, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.place;
            for row in &rows {
                for (column, reason) in inspector.faults(table, row) {
                    findings.note(table, &column, &reason, row);
                }
            }
        }
    }
    Ok(findings.list())
}

/// The reason to reject a setting.
fn refused(table: &SourceTable, row: &SourceRow) -> Option<String> {
    let record = record(table, row, &Keys::new(), Value::Null);
    setting::refusal(&record)
}

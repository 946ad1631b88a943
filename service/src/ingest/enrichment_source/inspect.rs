//! Looks at every row of the source before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Finding,
    cell::{Cell, Kind},
    record::{Keys, record},
    source::{Source, SourceRow},
    tables::{SourceTable, TABLES},
};
use crate::{error::Result, governance::setting, value::Value};

/// The most examples of a finding.
const EXAMPLES: usize = 5;

/// What was found: by place and reason, how often, and where.
type Findings = BTreeMap<(String, String), (u64, Vec<String>)>;

/// Everything that we would refuse.
pub(super) async fn all(source: &Source) -> Result<Vec<Finding>> {
    let mut findings = Findings::new();
    let mut keys: HashMap<&'static str, HashSet<String>> = HashMap::new();
    let (mut places, mut folded) = (HashSet::new(), HashSet::new());
    for table in TABLES {
        let mut after = i64::MIN;
        loop {
            let rows = source.rows(table.name, table.columns, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.place;
            for row in &rows {
                let key = row.cells.get(table.key).map(Cell::key).unwrap_or_default();
                let mut note = |column: &str, reason: String| {
                    let place = format!("{}.{column}", table.name);
                    let (count, examples) = findings.entry((place, reason)).or_default();
                    *count += 1;
                    if examples.len() < EXAMPLES {
                        examples.push(key.clone());
                    }
                };
                for (column, kind) in table.columns {
                    match row.cells[column].value(*kind) {
                        Err(reason) => note(column, reason),
                        // JSON that says null is there, and says nothing.
                        Ok(Value::Null)
                            if table.mandatory.contains(column)
                                && !(*kind == Kind::Json && row.cells[column] != Cell::Null) =>
                        {
                            note(column, "is absent, but can't be".to_owned());
                        }
                        Ok(_) => {}
                    }
                }
                if key.chars().count() > 255 {
                    note(table.key, "is longer than 255 characters".to_owned());
                }
                for (column, to, is_needed) in table.references {
                    let to_key = row.cells[column].key();
                    let there = keys.get(to).is_some_and(|known| known.contains(&to_key));
                    if *is_needed && !there {
                        note(column, format!("points to no row of {to}"));
                    }
                }
                if table.name == "settings"
                    && let Some(reason) = refused(table, row)
                {
                    note("value", reason);
                }
                let place: Vec<String> =
                    table.unique.iter().map(|column| row.cells[column].key()).collect();
                if !place.is_empty() && !places.insert((table.name, place)) {
                    note(&table.unique.join(", "), "repeats".to_owned());
                }
                if table.name == "settings" && !folded.insert(key.to_lowercase()) {
                    note(table.key, "repeats, but for the case of its letters".to_owned());
                }
                if !keys.entry(table.name).or_default().insert(key.clone()) {
                    note(table.key, "repeats".to_owned());
                }
            }
        }
    }
    let told = findings.into_iter().map(|((place, reason), (rows, examples))| Finding {
        place,
        reason,
        rows,
        examples,
    });
    Ok(told.collect())
}

/// Why a setting would be refused here.
fn refused(table: &SourceTable, row: &SourceRow) -> Option<String> {
    let record = record(table, row, &Keys::new(), Value::Null);
    setting::refusal(&record)
}

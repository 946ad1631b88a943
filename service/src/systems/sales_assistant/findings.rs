//! Findings about a source, with examples: rows that would be rejected, that were skipped, or whose values were
//! changed.

use std::collections::BTreeMap;

use super::Finding;

/// The maximum number of examples of a finding.
pub(super) const EXAMPLES: usize = 5;

/// The maximum length of an example in characters.
const MAX_EXAMPLE_LENGTH: usize = 60;

/// Findings by table, column and reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(BTreeMap<(String, String, String), (u64, Vec<String>)>);

impl Findings {
    /// Adds a row.
    pub(super) fn note(&mut self, table: &str, column: &str, reason: &str, example: &str) {
        let key = (table.to_owned(), column.to_owned(), reason.to_owned());
        let (rows, examples) = self.0.entry(key).or_default();
        *rows += 1;
        if examples.len() < EXAMPLES {
            examples.push(display_example(example));
        }
    }

    /// The findings for the report.
    pub(super) fn list(self) -> Vec<Finding> {
        let told = self.0.into_iter().map(|((table, column, reason), (rows, examples))| Finding {
            table,
            column,
            reason,
            rows,
            examples,
        });
        told.collect()
    }
}

/// The displayed form of an example; a long example is truncated.
pub(super) fn display_example(example: &str) -> String {
    if example.is_empty() {
        return "(empty)".to_owned();
    }
    match example.char_indices().nth(MAX_EXAMPLE_LENGTH) {
        Some((end, _)) => format!("{}…", &example[..end]),
        None => example.to_owned(),
    }
}

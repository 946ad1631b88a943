//! A run over all tables of the source: selects the rows to import and records the skipped rows.

use super::{
    cell::{self, Cell},
    inspect::{Findings, Inspector},
    record,
    source::SourceRow,
    tables::SourceTable,
};
use crate::{
    governance::setting,
    systems::json_text::{self, Inexact},
};

/// The state that all tables of a run share.
pub(super) struct Run {
    inspector: Inspector,
    skips: bool,
    pub(super) skipped: Findings,
    pub(super) inexact: Findings,
    /// The TTL in days of cache entries of the source.
    pub(super) cache_days: i64,
}

impl Run {
    pub(super) fn new(skips: bool) -> Self {
        let inspector = Inspector::new(skips);
        let (skipped, inexact) = (Findings::default(), Findings::default());
        Self { inspector, skips, skipped, inexact, cache_days: record::DEFAULT_CACHE_DAYS }
    }

    /// Returns the rows to import; records skipped rows and cells whose value differs from the source.
    pub(super) fn accepted(
        &mut self,
        table: &'static SourceTable,
        rows: Vec<SourceRow>,
    ) -> Vec<SourceRow> {
        let mut accepted = Vec::with_capacity(rows.len());
        for row in rows {
            if self.skips {
                let faults = self.inspector.faults(table, &row);
                for (column, reason) in &faults {
                    self.skipped.note(table, column, reason, &row);
                }
                if !faults.is_empty() {
                    continue;
                }
            }
            for (column, kind) in table.columns {
                let Cell::Text(text) = &row.cells[column] else { continue };
                if *kind != cell::Kind::Json {
                    continue;
                }
                match json_text::inexact(text) {
                    Some(Inexact::Unread) => {
                        let reason = format!("{}; stored as text", Inexact::Unread.message());
                        self.inexact.note(table, column, &reason, &row);
                    }
                    Some(remark) => self.inexact.note(table, column, remark.message(), &row),
                    None => {}
                }
            }
            if table.name == "settings"
                && let (Cell::Text(key), value) = (&row.cells["key"], &row.cells["value"])
                && key == setting::CACHE_DAYS
                && let Ok(days) = value.key().parse::<f64>()
                && (0.0..=3_650.0).contains(&days)
            {
                #[expect(clippy::cast_possible_truncation, reason = "within 3650")]
                let days = days as i64;
                self.cache_days = days;
            }
            accepted.push(row);
        }
        accepted
    }
}

//! Planner statistics of tables that grow during bulk work.

use super::{Engine, Store};
use crate::table::Table;

/// The chunks of a bulk job, which updates the statistics of its tables after the chunks 1, 4, 16, 64 and so on.
///
/// Without them, Postgres plans the statements of the job for the table as it was before, until autovacuum analyzes it:
/// in a table that was empty, or of an organization that is new, each look-up by key would read all rows of the
/// organization. SQLite chooses indexes by their columns.
#[derive(Debug, Default)]
pub struct GrowthStatistics {
    chunks: u64,
}

impl GrowthStatistics {
    /// Counts a committed chunk that is followed by others, and updates the statistics if they are due. An error is
    /// logged only: the statements give the same results without statistics.
    pub async fn chunk_committed(&mut self, store: &Store, tables: &[&Table]) {
        self.chunks += 1;
        let is_due = self.chunks.is_power_of_two() && self.chunks.trailing_zeros() % 2 == 0;
        if store.engine() != Engine::Postgres || !is_due {
            return;
        }
        let names: Vec<_> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
        let sql = format!("ANALYZE {}", names.join(", "));
        if let Err(error) = store.execute(&sql, Vec::new()).await {
            tracing::warn!(%error, "the planner statistics could not be updated");
        }
    }
}

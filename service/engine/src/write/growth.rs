//! Planner statistics of tables that grow during bulk work.

use sea_orm::ConnectionTrait;

use crate::{
    error::Result,
    store::{Engine, Store},
    table::Table,
};

/// The chunks of a bulk job, which updates the statistics of its tables after the chunks 1, 4, 16, 64 and so on.
///
/// Without them, Postgres plans the statements of the job for the table as it was before, until autovacuum analyzes it:
/// in a table that was empty, or of an organization that is new, each look-up by key would read all rows of the
/// organization. On SQLite, the statements of bulk work use the same indexes with and without statistics.
#[derive(Debug, Default)]
pub struct GrowthStatistics {
    chunks: u64,
}

impl GrowthStatistics {
    /// Counts a chunk that was written in the transaction of `connection`, and updates the statistics if they are due.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn chunk_written<C: ConnectionTrait>(
        &mut self,
        connection: &C,
        engine: Engine,
        tables: &[&Table],
    ) -> Result<()> {
        self.chunks += 1;
        let is_due =
            self.chunks.is_power_of_two() && self.chunks.trailing_zeros().is_multiple_of(2);
        if engine == Engine::Postgres && is_due {
            let names: Vec<_> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
            connection.execute_unprepared(&format!("ANALYZE {}", names.join(", "))).await?;
        }
        Ok(())
    }

    /// Like [`chunk_written`](Self::chunk_written), for a chunk that was committed. An error is logged only: the
    /// statements of the next chunks give the same results without statistics.
    pub async fn chunk_committed(&mut self, store: &Store, tables: &[&Table]) {
        if let Err(error) = self.chunk_written(store.write(), store.engine(), tables).await {
            tracing::warn!(%error, "the planner statistics could not be updated");
        }
    }
}

//! Batch items, which can be rolled back individually.

use sea_orm::ConnectionTrait;

use super::Unit;
use crate::error::Result;

/// The state of the unit of work before a batch item.
pub(crate) struct Item {
    entries: usize,
    counts: usize,
    tallies: usize,
}

impl Unit {
    /// Begins a batch item.
    pub(crate) async fn begin_item(&mut self) -> Result<Item> {
        self.transaction.execute_unprepared("SAVEPOINT item").await?;
        Ok(Item {
            entries: self.entries.len(),
            counts: self.counts.len(),
            tallies: self.tallies.len(),
        })
    }

    /// Ends a batch item: keeps or rolls back its writes.
    pub(crate) async fn end_item(&mut self, item: &Item, keep: bool) -> Result<()> {
        if !keep {
            self.transaction.execute_unprepared("ROLLBACK TO SAVEPOINT item").await?;
            self.entries.truncate(item.entries);
            self.counts.truncate(item.counts);
            self.tallies.truncate(item.tallies);
        }
        self.transaction.execute_unprepared("RELEASE SAVEPOINT item").await?;
        Ok(())
    }
}

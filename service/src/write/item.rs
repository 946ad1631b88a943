//! An item of a batch, which can be rolled back alone.

use sea_orm::ConnectionTrait;

use super::Unit;
use crate::error::Result;

/// Where an item of a batch began.
pub(crate) struct Item {
    entries: usize,
}

impl Unit {
    /// Begins an item of a batch, which can be taken back alone.
    pub(crate) async fn begin_item(&mut self) -> Result<Item> {
        self.transaction.execute_unprepared("SAVEPOINT item").await?;
        Ok(Item { entries: self.entries.len() })
    }

    /// Keeps an item, or takes it back.
    pub(crate) async fn end_item(&mut self, item: &Item, keep: bool) -> Result<()> {
        if !keep {
            self.transaction.execute_unprepared("ROLLBACK TO SAVEPOINT item").await?;
            self.entries.truncate(item.entries);
        }
        self.transaction.execute_unprepared("RELEASE SAVEPOINT item").await?;
        Ok(())
    }
}

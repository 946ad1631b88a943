//! Consistent snapshots for reads that take several statements.

use std::{sync::Arc, time::Duration};

use sea_orm::DbErr;

use super::{ReadConnections, Store};
use crate::error::{Error, Result};

/// The maximum number of concurrent snapshots. Each one occupies a connection and keeps the database from removing
/// old row versions.
pub(super) const MAX_SNAPSHOTS: u32 = 2;

/// How long a statement waits for other statements on the connection of its snapshot.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

impl Store {
    /// Returns a store that reads from a snapshot of the current state. Later writes are not visible, and the store
    /// should not be used to write.
    pub(crate) async fn snapshot(&self) -> Result<Self> {
        let busy = || DbErr::Custom("too many exports are running; try again later".to_owned());
        let permit = Arc::clone(&self.snapshots).try_acquire_owned();
        let permit = permit.map_err(|_| Error::Unavailable(busy()))?;
        let read = match &self.read {
            ReadConnections::Sqlite(readers) => {
                ReadConnections::Sqlite(Arc::new(readers.snapshot(permit).await?))
            }
            ReadConnections::Postgres(readers) => {
                ReadConnections::Postgres(Arc::new(readers.snapshot(permit).await?))
            }
        };
        Ok(Self { read, replica: None, ..self.clone() })
    }
}

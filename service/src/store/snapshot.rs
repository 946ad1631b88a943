//! The database as it was at one moment, for what is read in many statements.

use std::{sync::Arc, time::Duration};

use sea_orm::DbErr;

use super::{Readers, Store};
use crate::error::{Error, Result};

/// How many there may be at once. Each keeps a connection to itself, and what others change meanwhile from being
/// cleared away.
pub(super) const MOST: u32 = 2;

/// How long a statement waits for the others on its connection.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

impl Store {
    /// The same, as it is now: what is written later is not read, and nothing should be written.
    pub(crate) async fn snapshot(&self) -> Result<Self> {
        let busy = || DbErr::Custom("too many exports run, try again".to_owned());
        let permit = Arc::clone(&self.snapshots).try_acquire_owned();
        let permit = permit.map_err(|_| Error::Unavailable(busy()))?;
        let read = match &self.read {
            Readers::Sqlite(readers) => Readers::Sqlite(Arc::new(readers.snapshot(permit).await?)),
            Readers::Postgres(readers) => {
                Readers::Postgres(Arc::new(readers.snapshot(permit).await?))
            }
        };
        Ok(Self { read, replica: None, ..self.clone() })
    }
}

//! Reads, which for a restricted caller are limited to its row scope.

use std::sync::Arc;

use sea_orm::{QueryResult, Statement};

use tokio::time::timeout;

use super::{REPLICA_TIMEOUT, Restriction, Store, retry};
use crate::error::{Error, Result};

impl Store {
    /// The same database for a restricted caller, who reads only the rows in its scope.
    #[must_use]
    pub fn restricted(&self, restriction: Restriction) -> Self {
        Self { restriction: Some(Arc::new(restriction)), ..self.clone() }
    }

    /// The same database without a restriction.
    #[must_use]
    pub(crate) fn unrestricted(&self) -> Self {
        Self { restriction: None, ..self.clone() }
    }

    /// Runs a read-only statement on the current state.
    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        self.run_read(self.in_row_scope(statement)?).await
    }

    /// The statement, restricted to the rows that the caller sees.
    fn in_row_scope(&self, statement: Statement) -> Result<Statement> {
        match &self.restriction {
            Some(restriction) => restriction.apply(self.engine, statement, &[]),
            None => Ok(statement),
        }
    }

    /// Runs a read-only statement that is already restricted.
    pub(crate) async fn run_read(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        if !retry::is_patient() {
            return self.read_once(&statement).await;
        }
        Box::pin(retry::until_answered(|| self.read_once(&statement))).await
    }

    /// Runs a read-only statement that sees all acknowledged writes, on the replica if possible. Subscribers need
    /// [`read`](Self::read), because they are notified of writes before the replica shows them.
    pub(crate) async fn read_shown(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        let statement = self.in_row_scope(statement)?;
        let replica = self.replica.as_ref().filter(|_| !retry::is_patient());
        if let Some(readers) = replica.and_then(|replica| replica.readers()) {
            match timeout(REPLICA_TIMEOUT, readers.run(&statement)).await {
                Err(_) => tracing::debug!("read replica timed out; reading from the primary"),
                // The replica is unavailable, or it cancelled the query because of a conflict with replication.
                Ok(Err(error)) if matches!(Error::from(error.clone()), Error::Unavailable(_)) => {
                    tracing::debug!(%error, "read replica failed; reading from the primary");
                }
                Ok(answer) => return Ok(answer?),
            }
        }
        self.run_read(statement).await
    }
}

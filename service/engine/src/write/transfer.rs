//! Transfers: what happens to the rows that a member owns when the member leaves. Each table declares this
//! ([`Table::transferred`]), so that memberships know none of them.

use futures_util::future::BoxFuture;

use super::{Unit, ownership::Tables};
use crate::{error::Result, table::Table};

/// Transfers the rows of a member to another member, or leaves them without an owner; both by the primary keys of their
/// memberships.
pub type TransferRows = for<'u> fn(&'u mut Unit, i64, Option<i64>) -> BoxFuture<'u, Result<()>>;

/// The transfer of the rows of a table.
pub struct Transfer(pub TransferRows);

impl Table {
    /// Declares how rows are transferred.
    #[must_use]
    pub fn transferred(self, transfer: &'static Transfer) -> Self {
        self.extended(transfer)
    }
}

impl Unit {
    /// Transfers all rows of a member to another member, or leaves them without an owner.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn transfer(&mut self, tables: Tables, from: i64, to: Option<i64>) -> Result<()> {
        for table in tables {
            for Transfer(transfer) in table.extensions::<Transfer>() {
                transfer(self, from, to).await?;
            }
        }
        Ok(())
    }
}

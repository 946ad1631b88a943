//! Guards: rules for the rows of a table that apply to every write path, such as opt-outs of prospects.

use futures_util::future::BoxFuture;

use super::{Record, Unit};
use crate::{error::Result, table::Table};

/// A row that is about to be written, with its previous state.
pub type Written<'r> = (Option<&'r Record>, &'r mut Record);

/// A rule for rows of one table that are about to be written; it may change them and execute statements. It does not run
/// for bulk loads ([`bulk_load`](super::bulk_load)), whose callers apply the rule themselves, nor when references are
/// assigned to another row.
pub struct Guard(pub for<'a> fn(&'a mut Unit, &'a mut [Written<'_>]) -> BoxFuture<'a, Result<()>>);

impl Table {
    /// Applies the guard to every write of a row of this table.
    #[must_use]
    pub fn guarded(self, guard: &'static Guard) -> Self {
        self.extended(guard)
    }

    /// Whether the table has a guard.
    pub(super) fn is_guarded(&self) -> bool {
        self.extensions::<Guard>().next().is_some()
    }
}

/// Applies the guard of the table to rows that are about to be written.
pub(super) async fn apply_guards(unit: &mut Unit, rows: &mut [Written<'_>]) -> Result<()> {
    let table = rows.first().map(|(_, row)| row.table());
    for Guard(guard) in table.into_iter().flat_map(Table::extensions) {
        guard(unit, rows).await?;
    }
    Ok(())
}

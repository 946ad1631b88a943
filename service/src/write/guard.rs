//! Guards: rules for the rows of a table that apply to every write path, such as opt-outs of prospects.

use super::{Record, Unit};
use crate::{
    crm::{opt_out, prospect},
    error::Result,
};

/// A row that is about to be written, with its previous state.
pub(crate) type Written<'r> = (Option<&'r Record>, &'r mut Record);

/// Applies the guard of the table to rows that are about to be written.
pub(super) async fn guard(unit: &mut Unit, rows: &mut [Written<'_>]) -> Result<()> {
    match rows.first() {
        Some((_, row)) if std::ptr::eq(row.table(), prospect::table()) => {
            for (before, row) in &mut *rows {
                prospect::drop_stale_names(*before, row);
            }
            opt_out::guard(unit, rows).await
        }
        _ => Ok(()),
    }
}

//! References of rows to other rows: what happens to them when the row that they refer to is deleted or merged. The
//! table with the column declares this ([`Table::refers`]), so that the referenced table knows none of them.

use super::{Record, Unit, ownership::Tables};
use crate::{
    error::{Problem, Result},
    reason::Reason,
    table::Table,
};

/// A reference of the rows of a table.
#[derive(Debug)]
pub struct Reference {
    /// The column with the primary key of the referenced row.
    pub column: &'static str,
    /// The referenced table: `industries`.
    pub to: &'static str,
    /// What happens when the referenced row is deleted.
    pub on_delete: OnDelete,
    /// Whether the rows are assigned to the other row when the referenced row is merged into it.
    pub moves_on_merge: bool,
}

/// What happens when a referenced row is deleted.
#[derive(Debug)]
pub enum OnDelete {
    /// The rows are kept without the reference.
    Clear,
    /// The deletion is rejected while there are rows.
    Reject {
        /// The reason code.
        reason: Reason,
        /// Whether deleted rows count too.
        with_deleted: bool,
        /// The message for this number of rows.
        message: fn(i64) -> String,
    },
}

impl Table {
    /// Declares what happens to the rows when the row that a column references is deleted or merged.
    #[must_use]
    pub fn refers(self, reference: &'static Reference) -> Self {
        let _ = self.column_named(reference.column);
        self.extended(reference)
    }
}

/// The tables with references to the rows of `to`.
fn referring(tables: Tables, to: &Table) -> Vec<(&'static Table, &'static Reference)> {
    let pairs = tables
        .iter()
        .flat_map(|table| table.extensions::<Reference>().map(|reference| (*table, reference)));
    pairs.filter(|(_, reference)| reference.to == to.name).collect()
}

impl Unit {
    /// Prepares the deletion of a row: clears the references to it, as declared.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if rows refer to it that must not lose their reference.
    pub(super) async fn release_references(
        &mut self,
        tables: Tables,
        deleted: &Record,
    ) -> Result<()> {
        for (table, reference) in referring(tables, deleted.table()) {
            match &reference.on_delete {
                OnDelete::Clear => {
                    self.point_named(table, reference.column, deleted.id(), None).await?;
                }
                OnDelete::Reject { reason, with_deleted, message } => {
                    let alive = match table.deleted_at {
                        Some(_) if !with_deleted => " AND \"deleted_at\" IS NULL",
                        _ => "",
                    };
                    let sql = format!(
                        "SELECT count(*) FROM \"{}\" WHERE \"{}\" = {{}} AND \"organization_id\" = {{}}{alive}",
                        table.name, reference.column
                    );
                    let organization = self.scope().organization();
                    let rows =
                        self.count(&sql, vec![deleted.id().into(), organization.into()]).await?;
                    if rows > 0 {
                        return Err(Problem::conflict(*reason, "id", message(rows)).into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Locks the rows that [`merge_references`](Self::merge_references) assigns, which other writers lock before the rows
    /// that they refer to.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn lock_references(
        &mut self,
        tables: Tables,
        to: &'static Table,
        loser: i64,
    ) -> Result<()> {
        for (table, reference) in referring(tables, to) {
            if reference.moves_on_merge {
                self.below_named(table, reference.column, loser).await?;
            }
        }
        Ok(())
    }

    /// Assigns the rows that refer to `loser` to the row `survivor` of the same table, as declared.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn merge_references(
        &mut self,
        tables: Tables,
        loser: &Record,
        survivor: i64,
    ) -> Result<()> {
        for (table, reference) in referring(tables, loser.table()) {
            if reference.moves_on_merge {
                self.point_named(table, reference.column, loser.id(), Some(survivor)).await?;
            }
        }
        Ok(())
    }
}

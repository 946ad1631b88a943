//! Ownership of personal data: what happens to the rows that reference a row when it is erased, merged or exported.
//! Each table declares this for its references ([`Table::belongs_to`]); erasure, merge and export walk the tables.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

use super::{Record, Unit};
use crate::{error::Result, table::Table};

/// The tables of the product.
pub type Tables = &'static [&'static Table];

/// A reference of the rows of a table to their owner, for instance of interactions to their prospect. It takes effect
/// in the operations that exist: erasure and export of prospects, and merges of prospects and companies. References to
/// users, and the erasure and export of companies, are declared for the operations to come.
pub struct Ownership {
    /// The column with the primary key of the owner.
    pub column: &'static str,
    /// The table of the owner: `prospects`.
    pub owner: &'static str,
    /// What happens to the rows when the owner is erased.
    pub on_erase: OnErase,
    /// What happens to the rows when the owner is merged into another row.
    pub on_merge: OnMerge,
    /// Whether an export of the owner contains the rows.
    pub in_export: InExport,
}

impl Ownership {
    /// Rows that are erased, merged and exported with their owner.
    #[must_use]
    pub const fn complete(column: &'static str, owner: &'static str) -> Self {
        Self {
            column,
            owner,
            on_erase: OnErase::Delete,
            on_merge: OnMerge::Repoint,
            in_export: InExport::Rows,
        }
    }
}

/// Erases rows that belong to an owner; returns their number.
pub type Erasure = for<'a> fn(&'a mut Unit, Tables, &'a Record) -> BoxFuture<'a, Result<usize>>;

/// Completes a merge into the row with this primary key, after its rows have been assigned to it.
pub type Merge = for<'a> fn(&'a mut Unit, i64) -> BoxFuture<'a, Result<()>>;

/// Reads the rows that belong to an owner, for an export.
pub type Export = for<'a> fn(&'a mut Unit, &'a Record) -> BoxFuture<'a, Result<Vec<Json>>>;

/// What happens to rows when their owner is erased.
#[derive(Clone, Copy)]
pub enum OnErase {
    /// The rows are permanently deleted, and their values are cleared in the change log.
    Delete,
    /// As [`Delete`](Self::Delete), by this function.
    DeleteBy(Erasure),
    /// The rows are kept, and these columns become null, also in the change log.
    Redact(&'static [&'static str]),
    /// The rows are kept: they contain nothing about the owner.
    Keep,
}

/// What happens to rows when their owner is merged into another row.
#[derive(Clone, Copy)]
pub enum OnMerge {
    /// The rows are assigned to the other row.
    Repoint,
    /// As [`Repoint`](Self::Repoint), completed by this function.
    RepointAnd(Merge),
    /// The rows keep their owner.
    Keep,
}

/// Whether an export of the owner contains rows.
#[derive(Clone, Copy)]
pub enum InExport {
    /// All rows.
    Rows,
    /// The rows that this function returns.
    By(Export),
    /// No rows.
    No,
}

impl Table {
    /// Declares the owner that a column references.
    #[must_use]
    pub fn belongs_to(self, ownership: &'static Ownership) -> Self {
        let _ = self.column_named(ownership.column);
        self.extended(ownership)
    }

    /// The owners of the rows.
    pub fn ownerships(&self) -> impl Iterator<Item = &'static Ownership> {
        self.extensions::<Ownership>()
    }
}

/// The tables with rows of `owner`.
fn owned(tables: Tables, owner: &Table) -> Vec<(&'static Table, &'static Ownership)> {
    let pairs = tables.iter().flat_map(|table| table.ownerships().map(|one| (*table, one)));
    pairs.filter(|(_, ownership)| ownership.owner == owner.name).collect()
}

impl Unit {
    /// Erases the rows that belong to `owner`, in the order of `tables`. Returns the number of deleted rows. `person` is
    /// the prospect whose change log entries they belong to.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn erase_owned(
        &mut self,
        tables: Tables,
        owner: &Record,
        person: i64,
    ) -> Result<usize> {
        let mut deleted = 0;
        for (table, ownership) in owned(tables, owner.table()) {
            match ownership.on_erase {
                OnErase::Delete => {
                    let own = (ownership.column, owner.id().into());
                    deleted += self.erase_below_named(table, own, person).await?;
                }
                OnErase::DeleteBy(erase) => deleted += erase(self, tables, owner).await?,
                OnErase::Redact(columns) => {
                    self.redact_below(table, ownership.column, owner.id(), columns).await?;
                }
                OnErase::Keep => {}
            }
        }
        Ok(deleted)
    }

    /// Assigns the rows that belong to `loser` to the row `survivor` of the same table, as declared. Returns the number of
    /// assigned rows of each table.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn merge_owned(
        &mut self,
        tables: Tables,
        loser: &Record,
        survivor: i64,
    ) -> Result<Vec<(&'static str, usize)>> {
        let mut assigned = Vec::new();
        for (table, ownership) in owned(tables, loser.table()) {
            if matches!(ownership.on_merge, OnMerge::Repoint | OnMerge::RepointAnd(_)) {
                let rows =
                    self.point_named(table, ownership.column, loser.id(), Some(survivor)).await?;
                if rows > 0 {
                    assigned.push((table.name, rows));
                }
            }
            if let OnMerge::RepointAnd(merge) = ownership.on_merge {
                merge(self, survivor).await?;
            }
        }
        Ok(assigned)
    }

    /// The rows that belong to any of `owners`, by table name.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn export_owned(
        &mut self,
        tables: Tables,
        owners: &[Record],
    ) -> Result<Map<String, Json>> {
        let mut export = Map::new();
        let Some(owner) = owners.first() else { return Ok(export) };
        for (table, ownership) in owned(tables, owner.table()) {
            let mut rows = Vec::new();
            for owner in owners {
                match ownership.in_export {
                    InExport::Rows => {
                        let below = self.below_named(table, ownership.column, owner.id()).await?;
                        rows.extend(below.iter().map(Record::snapshot));
                    }
                    InExport::By(read) => rows.extend(read(self, owner).await?),
                    InExport::No => {}
                }
            }
            if !matches!(ownership.in_export, InExport::No) {
                export.insert(table.name.to_owned(), Json::Array(rows));
            }
        }
        Ok(export)
    }
}

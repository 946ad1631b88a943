//! Data migration from a database of the enrichment document (`SQLite`): jobs, records, cache, templates, usage and
//! settings. The source key of each row is stored in `external_ids`.
//!
//! All rows are validated first; if any rows would be rejected, they are reported and nothing is written. Then the
//! tables are imported in chunks; each chunk is written in one transaction, together with its source keys. An
//! interrupted run can be resumed, and a repeated run imports the rows that are new or changed in the source, except
//! for rows that were modified here.

mod cell;
mod conflicts;
mod finalize;
mod import_rows;
mod inspect;
mod key_set;
mod record;
mod refresh;
mod run;
mod source;
mod tables;

pub use source::Source;

use engine::{
    error::{Error, Result},
    progress::Progress,
    scope::Scope,
};

/// The default name of the source in `external_ids`.
pub const DEFAULT_SYSTEM: &str = "enrichment";

/// The number of rows per chunk.
const CHUNK: usize = 2_000;

/// A reason to reject rows of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table and the column.
    pub place: String,
    /// What is invalid.
    pub reason: String,
    /// The number of affected rows.
    pub rows: u64,
    /// The keys of some affected rows.
    pub examples: Vec<String>,
}

/// The numbers of imported rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedTable {
    /// The name of the table in the source.
    pub table: &'static str,
    /// New rows.
    pub new: u64,
    /// Existing rows that were updated because they changed in the source.
    pub changed: u64,
    /// Rows that changed both in the source and here; this run did not update them.
    pub kept: u64,
    /// Rows of earlier runs that were deleted in the source; they are kept here.
    pub deleted: u64,
}

/// The result of a data migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source was rejected because of these findings; nothing was written.
    Refused(Vec<Finding>),
    /// All rows were imported.
    Imported {
        /// The numbers of rows by table.
        tables: Vec<ImportedTable>,
        /// Skipped rows, which would have been rejected.
        skipped: Vec<Finding>,
        /// Cells whose value differs from the source.
        inexact: Vec<Finding>,
        /// Tables that are not supported yet, with their numbers of rows.
        left: Vec<(&'static str, u64)>,
    },
}

/// Imports `source` into the organization of `scope` under the name `system`, by default [`DEFAULT_SYSTEM`]. With
/// `skip_rejected`, rows that would be rejected and rows that require them are skipped, instead of rejecting the
/// whole source.
///
/// # Errors
/// [`Error::Conflict`] if another source was imported under this name, or if another import is in progress.
pub async fn import(
    scope: &Scope,
    source: &Source,
    system: Option<String>,
    skip_rejected: bool,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let is_told = system.is_some();
    let system = system.unwrap_or_else(|| DEFAULT_SYSTEM.to_owned());
    if system.is_empty() || system.chars().count() > 50 {
        return Err(Error::invalid(
            engine::Reason::ValueInvalid,
            "system",
            "`system` must have 1 to 50 characters",
        ));
    }
    let lock = scope.store().lock_import(scope.organization()).await?;
    let outcome = import_locked(scope, source, &system, is_told, skip_rejected, progress).await;
    lock.release().await;
    outcome
}

/// Imports the source while the lock is held.
async fn import_locked(
    scope: &Scope,
    source: &Source,
    system: &str,
    is_told: bool,
    skip_rejected: bool,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let findings = if skip_rejected { Vec::new() } else { inspect::all(source).await? };
    if !findings.is_empty() {
        return Ok(Outcome::Refused(findings));
    }
    import_rows::begin(scope, system, source.name(), is_told).await?;
    let mut tables = Vec::new();
    let mut run = run::Run::new(skip_rejected);
    for table in tables::TABLES {
        progress.begin(table.name, Some(source.count(table.name).await?));
        tables.push(import_rows::table(scope, source, system, table, &mut run, progress).await?);
        finalize::conclude(scope, system, table.name).await?;
        progress.finish();
    }
    import_rows::end(scope, system, source.name()).await?;
    let mut left = Vec::new();
    for table in ["conversations", "crm_integrations"] {
        let rows = source.count(table).await?;
        if rows > 0 {
            left.push((table, rows));
        }
    }
    let run::Run { skipped, inexact, .. } = run;
    Ok(Outcome::Imported { tables, skipped: skipped.list(), inexact: inexact.list(), left })
}

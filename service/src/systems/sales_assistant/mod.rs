//! Data migration from a database of the sales-assistant document: its eleven tables with exactly its columns.
//! Every row keeps its primary key.
//!
//! All rows are validated first; if any rows would be rejected, they are reported and nothing is written. Then the
//! tables are copied in chunks, parents before children. Each chunk is committed together with the progress of its
//! table, so that an interrupted run can be resumed. A repeated run imports the new rows of the source, regardless
//! of their primary keys.

mod convert;
mod copy;
mod findings;
mod inspect;
mod key_ranges;
mod source;
mod spec;
mod target;

use std::collections::BTreeMap;

#[cfg(fuzzing)]
pub use convert::fuzz as fuzz_row;
pub(super) use convert::moment;
use engine::{
    error::{Error, Result},
    progress::Progress,
    scope::Scope,
};
pub use source::Source;
use target::Target;

/// The number of rows per chunk.
const CHUNK: u64 = 2_000;

/// Options of the import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Imports e-mail addresses, domains and industry names even if they are duplicates.
    pub keep_duplicates: bool,
    /// Skips rows that would be rejected and rows that require them, instead of rejecting the whole source.
    pub skip_rejected: bool,
    /// Treats the source as the one that was already imported into this organization, at a new address.
    pub same_source: bool,
    /// The mapping of enum values of the source.
    pub words: BTreeMap<SourceWord, String>,
}

/// An enum value in a column of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceWord {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The value as stored in the source.
    pub word: String,
}

/// A reason to reject rows of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What is invalid and, if possible, how to fix it.
    pub reason: String,
    /// The number of affected rows.
    pub rows: u64,
    /// Examples: ids or duplicate values.
    pub examples: Vec<String>,
}

/// The result of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source was rejected because of these findings; nothing was written.
    Refused(Vec<Finding>),
    /// All rows were imported.
    Imported(Report),
}

/// A summary of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of rows imported in this run, by table.
    pub tables: Vec<(String, u64)>,
    /// Rows that were skipped or imported without a reference, because they would have been rejected.
    pub skipped: Vec<Finding>,
    /// Cells whose value differs from the source.
    pub inexact: Vec<Finding>,
    /// Rows of earlier runs that have since been changed or deleted in the source, by table. This run did not update
    /// them.
    pub stale: Vec<Stale>,
}

/// Rows of a table that were imported in earlier runs and have since been changed or deleted in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The table.
    pub table: String,
    /// The number of rows that were changed in the source since the last run.
    pub changed: u64,
    /// The number of rows that were deleted in the source.
    pub deleted: u64,
}

/// Imports `source` into the organization of `scope`.
///
/// # Errors
/// [`Error::Invalid`] if a mapping uses an unknown enum value; [`Error::Conflict`] if the organization has rows
/// that are not from this import, or if another import is in progress.
pub async fn import(
    scope: &Scope,
    source: &Source,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome> {
    for (word, to) in &options.words {
        spec::check_word(word, to)?;
    }
    let lock = scope.store().lock_import(scope.organization()).await?;
    let outcome = run(scope, source, options, progress).await;
    lock.release().await;
    outcome
}

/// Imports the source while the lock is held.
async fn run(
    scope: &Scope,
    source: &Source,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let mut target = Target::open(scope, source.name(), options.same_source).await?;
    let stale = target.find_late(source).await?;
    let findings = inspect::all(source, &target, options, progress).await?;
    if !findings.is_empty() {
        return Ok(Outcome::Refused(findings));
    }
    let report = target.copy(source, options, progress).await?;
    Ok(Outcome::Imported(Report { stale, ..report }))
}

impl std::str::FromStr for SourceWord {
    type Err = Error;

    /// Parses `table.column:word`.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(column, word)| {
            let (table, column) = column.split_once('.')?;
            Some(Self { table: table.into(), column: column.into(), word: word.into() })
        });
        parts.ok_or_else(|| {
            Error::invalid(
                engine::Reason::SourceInvalid,
                "map",
                format!("`{text}` must have the form table.column:word"),
            )
        })
    }
}

//! Brings over a database that was made by the sales-assistant document itself: its eleven tables
//! and their columns to the letter, every row with its key.
//!
//! First every row is read and looked at; what we would refuse is listed and nothing is written.
//! Then the tables are copied in chunks, parents before children. A chunk and the note of how far
//! its table has come are one transaction, so a run that was broken off goes on from there, and a
//! run that was finished brings what the source has got since, wherever among its keys.

mod convert;
mod copy;
mod findings;
mod inspect;
mod key_ranges;
mod source;
mod spec;
mod target;

use std::collections::BTreeMap;

use crate::{
    error::{Error, Result},
    progress::Progress,
    scope::Scope,
};
#[cfg(fuzzing)]
pub use convert::fuzz as fuzz_row;
pub(super) use convert::moment;
pub use source::Source;
use target::Target;

/// Rows read and written at a time.
const CHUNK: u64 = 2_000;

/// What the user has decided beforehand.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Brings e-mails, domains and industry names over even when they repeat.
    pub keep_duplicates: bool,
    /// Skips rows that would be rejected, and rows that can't be without them, instead of rejecting the source.
    pub skip_rejected: bool,
    /// Treats the source as the one that this organization was imported from, at another address.
    pub same_source: bool,
    /// What words of the source become here.
    pub words: BTreeMap<SourceWord, String>,
}

/// A word in a column of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceWord {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The word, as it stands there.
    pub word: String,
}

/// Something in the source that we would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What is wrong and, where there is one, the way out.
    pub reason: String,
    /// How many rows have it.
    pub rows: u64,
    /// Some of them: ids, or the words that repeat.
    pub examples: Vec<String>,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written, because of these.
    Refused(Vec<Finding>),
    /// Everything is in.
    Imported(Report),
}

/// What an import has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many rows came in this run, by table.
    pub tables: Vec<(String, u64)>,
    /// Rows that were skipped, or came in without a reference, because they would have been rejected.
    pub skipped: Vec<Finding>,
    /// Cells that are not as they stand in the source.
    pub inexact: Vec<Finding>,
    /// Rows of earlier runs that the source has changed or deleted since, by table: they stay as they are here.
    pub stale: Vec<Stale>,
}

/// Rows of a table that came in with earlier runs, and are others in the source now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The table.
    pub table: String,
    /// Rows that were changed in the source since the last run.
    pub changed: u64,
    /// Rows that were deleted in the source.
    pub deleted: u64,
}

/// Brings `source` over into the organization of `scope`.
///
/// # Errors
/// [`Error::Invalid`] when a mapping names no word of ours, [`Error::Conflict`] when the organization
/// has other rows than those of this import, or while another import runs.
pub async fn import(
    scope: &Scope,
    source: &Source,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome> {
    for (word, to) in &options.words {
        spec::check_word(word, to)?;
    }
    let _lock = scope.store().lock_import(scope.organization()).await?;
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

    /// Reads `table.column:word`.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(column, word)| {
            let (table, column) = column.split_once('.')?;
            Some(Self { table: table.into(), column: column.into(), word: word.into() })
        });
        parts.ok_or_else(|| {
            Error::invalid(
                crate::Reason::SourceInvalid,
                "map",
                format!("`{text}` should be table.column:word"),
            )
        })
    }
}

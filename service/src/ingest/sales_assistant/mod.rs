//! Brings over a database that was made by the sales-assistant document itself: its eleven tables
//! and their columns to the letter, every row with its key.
//!
//! First every row is read and looked at; what we would refuse is listed and nothing is written.
//! Then the tables are copied in chunks, parents before children. A chunk and the note of how far
//! its table has come are one transaction, so a run that was broken off goes on from there, and a
//! run that was finished brings what the source has got since, wherever among its keys.

mod convert;
mod copy;
mod inspect;
mod key_ranges;
mod source;
mod spec;

use std::collections::BTreeMap;

use crate::{
    error::{Error, Result},
    progress::Progress,
    scope::Scope,
};
#[cfg(fuzzing)]
pub use convert::fuzz as fuzz_row;
pub(super) use convert::moment;
use copy::Target;
pub use source::Source;

/// Rows read and written at a time.
const CHUNK: u64 = 2_000;

/// What the user has decided beforehand.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Brings e-mails, domains and industry names over even when they repeat.
    pub keep_duplicates: bool,
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
    /// Everything is in. How many rows came in this run, by table.
    Imported(Vec<(String, u64)>),
}

/// Brings `source` over into the organization of `scope`.
///
/// # Errors
/// [`Error::Invalid`] when a mapping names no word of ours, [`Error::Conflict`] when the organization
/// has other rows than those of this import.
pub async fn import(
    scope: &Scope,
    source: &Source,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome> {
    for (word, to) in &options.words {
        spec::check_word(word, to)?;
    }
    let mut target = Target::open(scope, source.name()).await?;
    target.find_late(source).await?;
    let findings = inspect::all(source, &target, options, progress).await?;
    if !findings.is_empty() {
        return Ok(Outcome::Refused(findings));
    }
    Ok(Outcome::Imported(target.copy(source, options, progress).await?))
}

impl std::str::FromStr for SourceWord {
    type Err = Error;

    /// Reads `table.column:word`.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':').and_then(|(column, word)| {
            let (table, column) = column.split_once('.')?;
            Some(Self { table: table.into(), column: column.into(), word: word.into() })
        });
        parts.ok_or_else(|| Error::invalid("map", format!("`{text}` should be table.column:word")))
    }
}

//! Brings over a database that was made by the enrichment document itself (`SQLite`): jobs, records, cache, templates,
//! usage and settings, each row with the key it had there in `external_ids`.
//!
//! First every row is read and looked at; what we would refuse is listed and nothing is written. Then the tables come in
//! chunks, each with its keys in one transaction: a run that was broken off goes on, and one that is repeated brings what
//! the source has got since, also in rows that nobody has written here.

mod beside;
mod cell;
mod conclude;
mod inspect;
mod record;
mod refresh;
mod run;
mod source;
mod tables;
mod write;

pub use source::Source;

use crate::{
    error::{Error, Result},
    progress::Progress,
    scope::Scope,
};

/// What the source is called in `external_ids`, when nothing is said.
pub const SYSTEM: &str = "enrichment";

/// Rows read and written at a time.
const CHUNK: usize = 500;

/// Something in the source that we would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table and the column.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// How many rows have it.
    pub rows: u64,
    /// The keys of some of them.
    pub examples: Vec<String>,
}

/// How many rows of a table came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// The table, as the source calls it.
    pub table: &'static str,
    /// Rows that are new.
    pub new: u64,
    /// Rows that were there and that the source has written since.
    pub changed: u64,
    /// Rows that the source has written since, and somebody here too: they are left as they are here.
    pub kept: u64,
    /// Rows of earlier runs that the source has deleted since: they stay here.
    pub deleted: u64,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written, because of these.
    Refused(Vec<Finding>),
    /// Everything is in.
    Imported {
        /// How much, by table.
        tables: Vec<Brought>,
        /// Rows that were skipped, because they would have been rejected.
        skipped: Vec<Finding>,
        /// Cells that are not as they stand in the source.
        inexact: Vec<Finding>,
        /// Tables of which we keep nothing yet, with how many rows they have.
        left: Vec<(&'static str, u64)>,
    },
}

/// Brings `source` over into the organization of `scope`, as the system called `system`, by default [`SYSTEM`]. With
/// `skip_rejected` rows that would be rejected are skipped, and rows that can't be without them, instead of rejecting the source.
///
/// # Errors
/// [`Error::Conflict`] if another source was imported under this name, or while another import runs.
pub async fn import(
    scope: &Scope,
    source: &Source,
    system: Option<String>,
    skip_rejected: bool,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let is_told = system.is_some();
    let system = system.unwrap_or_else(|| SYSTEM.to_owned());
    if system.is_empty() || system.chars().count() > 50 {
        return Err(Error::invalid(
            crate::Reason::ValueInvalid,
            "system",
            "it takes a name of 1 to 50 characters",
        ));
    }
    let _lock = scope.store().lock_import(scope.organization()).await?;
    let findings = if skip_rejected { Vec::new() } else { inspect::all(source).await? };
    if !findings.is_empty() {
        return Ok(Outcome::Refused(findings));
    }
    write::begin(scope, &system, source.name(), is_told).await?;
    let mut tables = Vec::new();
    let mut run = run::Run::new(skip_rejected);
    for table in tables::TABLES {
        progress.begin(table.name, Some(source.count(table.name).await?));
        tables.push(write::table(scope, source, &system, table, &mut run, progress).await?);
        conclude::conclude(scope, &system, table.name).await?;
        progress.finish();
    }
    write::end(scope, &system, source.name()).await?;
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

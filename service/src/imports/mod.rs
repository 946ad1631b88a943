//! Imports of people from files: a preview stores a verdict per row before any prospect is written, and a committed
//! import can be undone.
//!
//! [`open`] parses a file and maps its columns; [`ParsedFile::preview`] stores each row with its verdict. Users then
//! apply an [`act`] to the job, and [`run`] or a [`Worker`] executes it in transactions of 1,000 rows, so that
//! interrupted work resumes where it stopped.

mod column_names;
mod commit;
mod companies;
mod company_details;
mod contact;
mod decisions;
mod failed_rows;
pub mod file;
mod file_duplicates;
mod job_actions;
mod lines;
pub mod mapping;
mod matching;
mod name_index;
mod objects;
mod preview;
mod quotes;
mod record_verdicts;
mod rows;
mod run;
mod undo;
mod verdict;
mod workbook;

pub(crate) use record_verdicts::VerdictContext;

pub use decisions::{Decision, decide, decide_all};
pub use failed_rows::{FailedRow, columns_of_file, failed_rows};
pub use job_actions::{JobAction, act, repair};
pub use matching::Candidate;
pub use preview::{InspectedFile, Options, ParsedFile, Preview, inspect, open};
pub use rows::{examples, prospects_of};
pub use run::{Worker, run};

/// Number of rows per transaction.
const CHUNK: usize = 1_000;

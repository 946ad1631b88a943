//! Imports of people from files: a preview stores a verdict per row before any prospect is written, and a committed
//! import can be undone.
//!
//! [`open`] parses a file and maps its columns; [`Opened::look`] stores each row with its verdict. Users then apply an
//! [`act`] to the job, and [`run`] or a [`Worker`] executes it in transactions of 500 rows, so that
//! interrupted work resumes where it stopped.

mod acts;
mod commit;
mod companies;
pub mod file;
mod forget;
mod headings;
mod judge;
mod judged;
mod lead;
mod lines;
mod look;
pub mod mapping;
mod matching;
mod objects;
mod pool;
mod quotes;
mod rows;
mod run;
mod seen;
mod undo;
mod workbook;

pub(crate) use forget::{erase, export};
pub(crate) use judged::Judging;
pub(crate) use run::fail;
pub(crate) use undo::merged;

pub use acts::{Act, act, decide, repair};
pub use look::{Looked, Opened, Options, open};
pub use matching::Candidate;
pub use rows::{examples, prospects_of};
pub use run::{Worker, run};

/// Number of rows per transaction.
const CHUNK: usize = 500;

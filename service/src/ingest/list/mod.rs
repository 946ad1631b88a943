//! Lists of people: a file is read and looked at, row by row, before anything is written; what was written can be
//! taken back.
//!
//! [`open`] reads a file and finds out what its columns are; [`Opened::look`] keeps each row with what would become of
//! it. What people then let be done is an [`act`] on the job, and [`run`] or a [`Worker`] does it, 500 rows in a
//! transaction: it goes on where it was when it is broken off.

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

pub(crate) use forget::{leave, rows_of};
pub(crate) use judged::Judging;
pub(crate) use run::fail;
pub(crate) use undo::merged;

pub use acts::{Act, act, decide, repair};
pub use look::{Looked, Opened, Options, open};
pub use matching::Candidate;
pub use rows::{examples, prospects_of};
pub use run::{Worker, run};

/// Rows of one transaction.
const CHUNK: usize = 500;

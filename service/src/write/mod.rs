//! Writes: one unit of work, one transaction, and in it one entry of the change log for every row.
//!
//! [`Rules`] say what may be written to a table and what is checked; [`operations`] are what every table
//! has (create, update, delete, batches); acts of business are functions of their context. All of them
//! write through a [`Unit`], which notes what it does in the change log: there is no other way to a row
//! but the `bulk` one of imports and the demo set, which note a chunk at a time.

pub(crate) mod bulk;
mod check;
mod guard;
mod identity;
mod item;
mod many;
pub mod once;
pub mod operations;
pub mod pairs;
pub mod record;
pub(crate) mod row;
pub mod rules;
mod single;
pub mod unit;

pub(crate) use check::SKEW;
pub(crate) use guard::Written;
pub use once::Once;
pub use operations::{Batch, Input, LinkInput, Made, OnError};
pub use record::Record;
pub use rules::{Check, Delete, FieldRule, Hooks, LinkRule, NestedRows, Rules, Usual, When};
pub use unit::Unit;

//! Writes: each unit of work is one transaction with one change log entry per row.
//!
//! [`Rules`] declare which columns of a table can be written and how they are validated. [`operations`] contains the
//! operations that every table supports (create, update, delete, batches). Business actions are functions of their
//! context. All of them write through a [`Unit`], which records the changes in the change log. The only exception is
//! `bulk_load`, used by imports and demo data, which records one entry per chunk.

mod batch_sql;
pub mod bulk_load;
mod check;
pub mod counter;
mod duplicate_mark;
mod growth;
mod guard;
pub mod idempotency;
mod insert_plan;
mod insert_statement;
mod item;
pub mod join_table;
mod lookup;
mod nested_rows;
pub mod operations;
pub mod ownership;
mod redaction;
pub mod reference;
pub mod revert;
pub mod row;
mod row_batch;
pub mod rules;
pub mod tally;
pub mod transfer;
mod unique_field;
pub mod unit;
mod visibility;

pub use check::SKEW;
pub use growth::GrowthStatistics;
pub use guard::{Guard, Written};
pub use idempotency::IdempotentRequest;
pub use operations::{Batch, ChildRows, Input, LinkInput, Made, OnError};
pub use rules::{
    Check, DefaultValue, Delete, FieldRule, Hooks, LinkRule, NestedRows, Rules, Writable,
};
pub use unit::Unit;

use crate::record::Record;

//! Writes: each unit of work is one transaction with one change log entry per row.
//!
//! [`Rules`] declare which columns of a table can be written and how they are validated. [`operations`] contains the
//! operations that every table supports (create, update, delete, batches). Business actions are functions of their
//! context. All of them write through a [`Unit`], which records the changes in the change log. The only exception is
//! `bulk`, used by imports and demo data, which records one entry per chunk.

pub mod bulk;
mod check;
mod guard;
mod identity;
mod item;
mod lookup;
mod many;
pub mod once;
pub mod operations;
pub mod ownership;
pub mod pairs;
pub mod row;
pub mod rules;
mod single;
pub mod unit;

pub use check::SKEW;
pub use guard::{Guard, Written};
pub use once::Once;
pub use operations::{Batch, Input, LinkInput, Made, OnError};
pub use rules::{Check, Delete, FieldRule, Hooks, LinkRule, NestedRows, Rules, Usual, When};
pub use unit::Unit;

use crate::record::Record;

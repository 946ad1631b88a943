//! Aggregates in connections: `aggregate` has those of all rows, `groups` those of each group of rows. Everything
//! follows from the declarations.
//!
//! The selection of such a field is planned into one [`service::read::Aggregate`] ([`plan`]), which is one statement
//! for all parents, and its result is written from the groups ([`answer`]).

pub mod answer;
mod columns;
mod group_filter;
mod input;
mod key;
pub mod plan;
mod shared_types;
pub(super) mod types;

pub(super) use shared_types::{WEEKDAYS, put as put_shared};

//! Aggregates in connections: `aggregate` covers all rows, `groups` covers each group of rows. Everything is
//! derived from the entity declarations.
//!
//! The selection of such a field is planned as one [`service::read::Aggregate`] ([`plan`]), which is one statement
//! for all parents. The response is written from the resulting groups ([`answer`]).

pub mod answer;
mod columns;
mod group_filter;
mod input;
mod key;
pub mod plan;
mod shared_types;
pub(super) mod types;

pub(super) use shared_types::{WEEKDAYS, put as put_shared};

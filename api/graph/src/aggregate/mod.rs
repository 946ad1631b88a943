//! Aggregates in connections: `aggregate` covers all rows, `groups` covers each group of rows. The types and their
//! execution are derived from the entity declarations.
//!
//! The selection of such a field is planned as one [`engine::read::Aggregate`] ([`plan`]), which runs as one
//! statement for all parent rows. The response is written from the resulting groups ([`answer`]).

pub mod answer;
mod columns;
mod group_filter;
mod input;
mod key;
pub mod plan;
mod shared_types;
pub(super) mod types;

pub(super) use shared_types::{WEEKDAYS, put as put_shared};

//! Aggregates in connections: `aggregate` covers all rows, `groups` covers each group of rows. The types and their
//! execution are derived from the entity declarations.
//!
//! The selection of such a field is planned as one [`engine::read::Aggregate`] (`plan/aggregate.rs`), which runs as one
//! statement for all parent rows. The response is written from the resulting groups ([`answer`]).

pub mod answer;
pub(crate) mod columns;
pub(crate) mod group_filter;
pub(crate) mod input;
pub(crate) mod key;
pub mod plan;
mod shared_types;
pub(crate) mod types;

pub(crate) use shared_types::put as put_shared;

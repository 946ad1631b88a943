//! What lists come to: beside every list there is `…Aggregate`, all its rows counted and summed up, and
//! `…GroupBy`, the same for each group of rows. Everything follows from the declarations.
//!
//! The selection of such a field is planned into one [`service::read::Aggregate`] ([`plan`]), which is one statement
//! for all parents, and its answer is written from the groups ([`answer`]).

pub mod answer;
mod drill;
pub mod fields;
mod input;
pub mod plan;
pub(super) mod types;

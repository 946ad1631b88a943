//! Reads nested lists level by level: one statement for each list of a level, whatever the number
//! of parents, and one for its count when that is asked for.
//!
//! A caller plans what it wants ([`List`]) and gets the rows of every level back ([`Loaded`]).
//! To-one relations ride along as joins in the statement of the row they belong to; to-many
//! relations are lists of their own, loaded once for all rows of the level above.
//!
//! ```text
//! List (companies, first 20)
//!   joins      industry
//!   cells      company.id  company.name  industry.name
//!   relations  List (prospects, first 5)          → SQL 2, for all 20 companies
//!                relations  List (interactions …) → SQL 3, for all 100 prospects
//! ```

mod aggregate;
mod aggregate_sql;
mod cursor;
mod fill;
mod filter;
mod percentile;
mod plan;
mod run;
mod sort_key;
mod sql;
mod statement;
mod zone;
pub mod zone_data;

pub use aggregate::{
    Aggregate, Aggregated, DEFAULT_GROUPS, Fill, FilteredMeasure, GroupBy, GroupKey, GroupSort,
    MAX_GROUPS, Measure,
};
#[cfg(fuzzing)]
pub use cursor::fuzz as fuzz_cursor;
pub(crate) use cursor::{decode as decode_cursor, decode_values};
pub use cursor::{encode as encode_cursor, log_binding};
pub use filter::{Filter, Quantifier, Test};
pub use plan::{Cell, Direction, Join, Link, List, Nulls, Page, Relation, Sort};
pub use run::{Group, Loaded, aggregate, by_keys, list, of_record};
pub(crate) use statement::Sql;
pub use zone::{Bucket, Span, Zone};

/// The most rows of one page.
pub const LARGEST_PAGE: u32 = 100;

/// The rows of a page when nothing is said.
pub const USUAL_PAGE: u32 = 25;

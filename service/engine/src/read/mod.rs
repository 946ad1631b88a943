//! Reads nested lists level by level. Each list of a level takes one statement, regardless of the number of parents,
//! and a second statement if its total count is requested.
//!
//! The caller builds a plan ([`List`]) and receives the rows of every level ([`Loaded`]). To-one relations are joined
//! in the statement of their row. To-many relations are separate lists, loaded once for all rows of the level above.
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
pub use cursor::{decode as decode_cursor, decode_values};
pub use cursor::{encode as encode_cursor, log_binding};
pub use filter::{Filter, Quantifier, Test};
pub use plan::{Cell, Direction, Join, Link, List, Nulls, Page, Relation, Sort};
pub use run::{Group, Loaded, aggregate, by_keys, list, of_record};
pub(crate) use statement::Sql;
pub use zone::{Bucket, Span, Zone};

/// Maximum page size.
pub const MAX_PAGE: u32 = 100;

/// Default page size.
pub const DEFAULT_PAGE_SIZE: u32 = 25;

/// Condition for entries below the watermark on Postgres, in a table with the alias `t`, preceded by ` AND`.
pub(crate) const BELOW_WATERMARK: &str = " AND (t.\"epoch\", t.\"transaction_number\") < \
    ((SELECT \"epoch\" FROM \"change_log\"), pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";

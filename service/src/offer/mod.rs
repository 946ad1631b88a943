//! Solutions, the industries they suit, and events.

pub mod event;
pub mod industry;
pub mod recommendation;
pub mod solution;
pub mod suggestion;

use engine::{
    table::{Column, Table},
    value::Kind,
};

/// Columns of the join table of industries and solutions.
pub(crate) fn industry_solution_columns() -> [Column; 4] {
    let column = |name, kind| Column { name, kind, nullable: false, length: None };
    [
        column("industry_id", Kind::BigInt),
        column("solution_id", Kind::BigInt),
        column("created_at", Kind::Time),
        column("updated_at", Kind::Time),
    ]
}

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 3] {
    [industry::table(), solution::table(), event::table()]
}

//! How an answer is built from what was loaded.

use async_graphql::{Name, Positioned, parser::types::Field};

use super::{
    aggregate,
    computed::Resolve,
    declaration::{Entity, Scalar},
};

/// How an object of the answer is built from a row.
pub struct Shape<'a> {
    /// Its fields, by the name they have in the answer.
    pub fields: Vec<(Name, Out<'a>)>,
}

/// How a field of the answer is built.
pub enum Out<'a> {
    /// The name of the type.
    TypeName(&'static str),
    /// A global id, from the key in a cell; null when there is none.
    Id(usize, &'static Entity),
    /// A value, from a cell.
    Cell(usize, Scalar),
    /// The row that a column points to, which rode along.
    One {
        /// The cell with its key.
        key: usize,
        /// Its object.
        shape: Shape<'a>,
        /// Whether it may be null.
        optional: bool,
    },
    /// A list of rows, which was loaded as a relation.
    Many {
        /// Which relation.
        relation: usize,
        /// The cell with the key of the row it belongs to.
        parent: usize,
        /// Its connection.
        connection: Connection<'a>,
    },
    /// The first row of a relation, or null.
    First {
        /// Which relation.
        relation: usize,
        /// The cell with the key of the row it belongs to.
        parent: usize,
        /// Its object.
        shape: Shape<'a>,
    },
    /// Something worked out from cells.
    Computed(ComputedField<'a>),
}

/// A field that is worked out from cells.
pub struct ComputedField<'a> {
    /// Its number in the plan. Plans of the same operation number their fields alike.
    pub number: usize,
    /// The field as it was asked for.
    pub field: &'a Positioned<Field>,
    /// The function.
    pub resolve: Resolve,
    /// The cells it needs, in the order of its columns.
    pub cells: Vec<usize>,
    /// Whether it may be null.
    pub optional: bool,
}

/// How a connection is built from a page.
pub struct Connection<'a> {
    /// Its type.
    pub entity: &'static Entity,
    /// The cells that make up a cursor.
    pub cursor: Vec<usize>,
    /// Its fields, by the name they have in the answer.
    pub fields: Vec<(Name, ConnectionOut<'a>)>,
}

/// How a field of a connection is built.
pub enum ConnectionOut<'a> {
    /// The name of the type.
    TypeName,
    /// The rows.
    Nodes(Shape<'a>),
    /// The rows with their cursors.
    Edges(Vec<(Name, EdgeOut<'a>)>),
    /// What stands around the page.
    PageInfo(Vec<(Name, PageInfoOut)>),
    /// The number of all rows.
    TotalCount,
    /// Aggregates of all rows, or groups of them.
    Aggregate {
        /// The number of the aggregate.
        number: usize,
        /// How it is written.
        plan: aggregate::plan::Plan,
    },
}

/// How a field of an edge is built.
pub enum EdgeOut<'a> {
    /// The name of the type.
    TypeName,
    /// The cursor of the row.
    Cursor,
    /// The row.
    Node(Shape<'a>),
}

/// A field of `PageInfo`.
#[derive(Clone, Copy)]
pub enum PageInfoOut {
    /// The name of the type.
    TypeName,
    /// Whether there are rows before the page.
    HasPreviousPage,
    /// Whether there are rows after the page.
    HasNextPage,
    /// The cursor of the first row.
    StartCursor,
    /// The cursor of the last row.
    EndCursor,
}

impl PageInfoOut {
    /// Whether rows beyond the page must be known of.
    pub(super) fn tells_of_others(self) -> bool {
        matches!(self, Self::HasPreviousPage | Self::HasNextPage)
    }
}

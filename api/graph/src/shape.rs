//! Response plans: how a response is built from the loaded rows.

use async_graphql::{Name, Positioned, parser::types::Field};

use super::{
    aggregate,
    computed_field::Resolve,
    declaration::{Entity, Scalar},
};

/// The response plan of an object that is built from a row.
pub struct Shape<'a> {
    /// The fields, by response name.
    pub fields: Vec<(Name, Out<'a>)>,
}

/// The response plan of a field.
pub enum Out<'a> {
    /// The type name.
    TypeName(&'static str),
    /// A global ID from the primary key in a cell; null if the cell is null.
    Id(usize, &'static Entity),
    /// The value of a cell.
    Cell(usize, Scalar),
    /// The row that a column references, read by a join.
    One {
        /// The cell with the primary key of the referenced row.
        key: usize,
        /// The plan of the object.
        shape: Shape<'a>,
        /// Whether the field is nullable.
        optional: bool,
    },
    /// A list of rows, loaded as a relation.
    Many {
        /// The number of the relation.
        relation: usize,
        /// The cell with the primary key of the parent row.
        parent: usize,
        /// The plan of the connection.
        connection: Connection<'a>,
    },
    /// The first row of a relation, or null.
    First {
        /// The number of the relation.
        relation: usize,
        /// The cell with the primary key of the parent row.
        parent: usize,
        /// The plan of the object.
        shape: Shape<'a>,
    },
    /// A computed field.
    Computed(ComputedField<'a>),
}

/// A field that is computed from cells.
pub struct ComputedField<'a> {
    /// The number of the field in the plan. Plans of the same operation number their fields identically.
    pub number: usize,
    /// The requested field.
    pub field: &'a Positioned<Field>,
    /// The function.
    pub resolve: Resolve,
    /// The cells that the function needs, in the order of its columns.
    pub cells: Vec<usize>,
    /// Whether the field is nullable.
    pub optional: bool,
}

/// The response plan of a connection that is built from a page.
pub struct Connection<'a> {
    /// The entity of the rows.
    pub entity: &'static Entity,
    /// The cells that form a cursor.
    pub cursor: Vec<usize>,
    /// The fields, by response name.
    pub fields: Vec<(Name, ConnectionOut<'a>)>,
}

/// The response plan of a field of a connection.
pub enum ConnectionOut<'a> {
    /// The type name.
    TypeName,
    /// The rows.
    Nodes(Shape<'a>),
    /// The rows with their cursors.
    Edges(Vec<(Name, EdgeOut<'a>)>),
    /// Information about the page.
    PageInfo(Vec<(Name, PageInfoOut)>),
    /// The total number of rows.
    TotalCount,
    /// Aggregates of all rows, or of groups.
    Aggregate {
        /// The number of the aggregate.
        number: usize,
        /// The response plan.
        plan: aggregate::plan::Plan,
    },
}

/// The response plan of a field of an edge.
pub enum EdgeOut<'a> {
    /// The type name.
    TypeName,
    /// The cursor of the row.
    Cursor,
    /// The row.
    Node(Shape<'a>),
}

/// A field of `PageInfo`.
#[derive(Clone, Copy)]
pub enum PageInfoOut {
    /// The type name.
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
    /// Whether the field requires checking for rows beyond the page.
    pub(super) fn tells_of_others(self) -> bool {
        matches!(self, Self::HasPreviousPage | Self::HasNextPage)
    }
}

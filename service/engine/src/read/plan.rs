//! Read plan: a list and the lists nested in it.

use super::{aggregate::Aggregate, filter::Filter};
use crate::{
    error::{Error, Result},
    table::Table,
};

/// A list to read, either for the organization or for each row of the level above.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "five independent flags")]
pub struct List {
    /// Table of the rows.
    pub table: &'static Table,
    /// To-one relations, read as joins. Join `n` is number `n + 1` in a [`Cell`]; 0 is the row itself.
    pub joins: Vec<Join>,
    /// Values of each row, in this order.
    pub cells: Vec<Cell>,
    /// To-many relations, each loaded once for all rows.
    pub relations: Vec<Relation>,
    /// Aggregates over all rows of the list, regardless of its page. Each aggregate takes one statement for all
    /// parents.
    pub aggregates: Vec<Aggregate>,
    /// Filter of the rows.
    pub filter: Filter,
    /// Sort order. The primary key is the tie-breaker, in the direction of the last sort key.
    pub order: Vec<Sort>,
    /// Page to read.
    pub page: Page,
    /// Whether the rows are requested, or only their count.
    pub rows: bool,
    /// Whether the total count is requested.
    pub count: bool,
    /// Whether the caller needs to know if there are rows beyond the page.
    pub beyond: bool,
    /// Whether cursors of the rows are requested.
    pub cursors: bool,
    /// Field of the schema that returns the list (`Query.prospects`, `Company.prospects`). A cursor issued by one
    /// field is rejected by another.
    pub place: String,
    /// Whether this is the change log in log order. If so, only entries below the watermark are returned, and cursors
    /// are log positions.
    pub log: bool,
}

/// A to-one relation that is joined in the statement of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Row that holds the reference: 0 is the list's own row, `n` is join `n - 1`.
    pub from: usize,
    /// Column that holds the reference.
    pub via: usize,
    /// Referenced table.
    pub to: TableRef,
}

/// A table. Two values are equal if the names of their tables are equal.
#[derive(Clone, Copy, Debug)]
pub struct TableRef(pub &'static Table);

impl PartialEq for TableRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for TableRef {}

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
}

/// A to-many relation of the list's own row or of a joined row.
#[derive(Debug)]
pub struct Relation {
    /// Index of the cell that contains the parent's primary key.
    pub parent: usize,
    /// How rows are assigned to their parent.
    pub link: Link,
    /// List to read.
    pub list: List,
}

/// How the rows of a list are assigned to their parent.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// By a foreign key of the row.
    Children {
        /// Column that references the parent.
        via: usize,
    },
    /// By a join table.
    JoinTable {
        /// Join table.
        table: &'static str,
        /// Column that references the parent.
        near: &'static str,
        /// Column that references the row.
        far: &'static str,
    },
}

/// A sort key.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
    /// Sort direction.
    pub direction: Direction,
    /// Null placement.
    pub nulls: Nulls,
}

/// Sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending order.
    Ascending,
    /// Descending order.
    Descending,
}

impl Direction {
    pub(crate) fn reversed(self, reverse: bool) -> Self {
        match (self, reverse) {
            (direction, false) => direction,
            (Self::Ascending, true) => Self::Descending,
            (Self::Descending, true) => Self::Ascending,
        }
    }
}

/// Null placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Nulls before all other values.
    First,
    /// Nulls after all other values.
    Last,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Maximum number of rows.
    pub size: u32,
    /// Whether to return the last rows instead of the first.
    pub backward: bool,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

impl Page {
    /// Creates a page from the arguments `first`, `after`, `last` and `before`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a page size is out of range, or if `first` and `last` are both given.
    pub fn new(
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
    ) -> Result<Self> {
        let (size, field, backward) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    crate::Reason::ArgumentsExclusive,
                    "last",
                    "`first` and `last` can't be combined; specify only one of them",
                ));
            }
            (None, Some(last)) => (last, "last", true),
            (first, None) => (first.unwrap_or(super::DEFAULT_PAGE_SIZE.into()), "first", false),
        };
        match u32::try_from(size) {
            Ok(size) if size <= super::MAX_PAGE => Ok(Self { size, backward, after, before }),
            _ => Err(Error::invalid(
                crate::Reason::ValueOutOfRange,
                field,
                format!("`{field}` must be from 0 to {}, got {size}", super::MAX_PAGE),
            )),
        }
    }

    /// Creates a page of the first `size` rows.
    #[must_use]
    pub fn first(size: u32) -> Self {
        Self { size, backward: false, after: None, before: None }
    }
}

impl List {
    /// Creates a plan for `table` without selected values, with the default order, the default page size and no filter.
    #[must_use]
    pub fn new(table: &'static Table, place: String) -> Self {
        Self {
            table,
            joins: Vec::new(),
            cells: Vec::new(),
            relations: Vec::new(),
            aggregates: Vec::new(),
            filter: Filter::All(Vec::new()),
            order: Vec::new(),
            page: Page::first(super::DEFAULT_PAGE_SIZE),
            rows: false,
            count: false,
            beyond: false,
            cursors: false,
            place,
            log: false,
        }
    }

    /// Joins the row that `via` references. An existing identical join is reused.
    pub fn join(&mut self, from: usize, via: usize, to: &'static Table) -> usize {
        let join = Join { from, via, to: TableRef(to) };
        let place = self.joins.iter().position(|known| *known == join).unwrap_or_else(|| {
            self.joins.push(join);
            self.joins.len() - 1
        });
        place + 1
    }

    /// Adds `column` of row `of` to the cells and returns the index of the cell. An existing identical cell is reused.
    pub fn cell(&mut self, of: usize, column: usize) -> usize {
        let cell = Cell { of, column };
        self.cells.iter().position(|known| *known == cell).unwrap_or_else(|| {
            self.cells.push(cell);
            self.cells.len() - 1
        })
    }

    /// Adds a to-many relation of row `of`.
    pub fn relation(&mut self, of: usize, link: Link, list: Self) -> usize {
        let parent = self.cell(of, self.table_of(of).id());
        self.relations.push(Relation { parent, link, list });
        self.relations.len() - 1
    }

    /// Adds an aggregate and returns its index.
    pub fn aggregate(&mut self, aggregate: Aggregate) -> usize {
        self.aggregates.push(aggregate);
        self.aggregates.len() - 1
    }

    /// The table of the list's own row (0) or of a join.
    #[must_use]
    pub fn table_of(&self, of: usize) -> &'static Table {
        if of == 0 { self.table } else { self.joins[of - 1].to.0 }
    }

    /// For each join, whether it is one of the `wanted` rows or is on the path to one of them.
    pub(crate) fn needed_joins(&self, wanted: impl Iterator<Item = usize>) -> Vec<bool> {
        let mut needed = vec![false; self.joins.len()];
        for mut of in wanted {
            while of > 0 {
                needed[of - 1] = true;
                of = self.joins[of - 1].from;
            }
        }
        needed
    }

    /// Whether row `of` may be missing because a join on its path uses a nullable column.
    pub(crate) fn may_be_absent(&self, of: usize) -> bool {
        of > 0 && {
            let join = &self.joins[of - 1];
            self.table_of(join.from).columns[join.via].nullable || self.may_be_absent(join.from)
        }
    }
}

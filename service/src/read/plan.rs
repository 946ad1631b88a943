//! What to read: the plan of one list, and of the lists below it.

use super::{aggregate::Aggregate, filter::Filter};
use crate::{
    error::{Error, Result},
    table::Table,
};

/// A list to read: for the organization, or for each row of the level above.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "five things that are wanted or not")]
pub struct List {
    /// The table of its rows.
    pub table: &'static Table,
    /// To-one relations that ride along. Join `n` here is number `n + 1` in a [`Cell`]; 0 is the
    /// row itself.
    pub joins: Vec<Join>,
    /// What each row carries, in this order.
    pub cells: Vec<Cell>,
    /// To-many relations, each loaded once for all rows.
    pub relations: Vec<Relation>,
    /// Aggregates of the rows of the list, not of its page: one statement each, for all parents.
    pub aggregates: Vec<Aggregate>,
    /// Which rows.
    pub filter: Filter,
    /// In which order; the key comes last, in the direction of the last sort.
    pub order: Vec<Sort>,
    /// Which page of them.
    pub page: Page,
    /// Whether the rows are wanted, or only their number.
    pub rows: bool,
    /// Whether the number of all rows is wanted.
    pub count: bool,
    /// Whether it is wanted that there are rows beyond the page.
    pub beyond: bool,
    /// Whether cursors are to be made of the rows.
    pub cursors: bool,
    /// Where the list stands in the schema (`Query.prospects`, `Company.prospects`): a cursor made
    /// for one place is refused by another.
    pub place: String,
    /// Whether this is the change log in its own order: then only what has settled is in it, and its
    /// cursors are places in the log.
    pub log: bool,
}

/// A to-one relation that rides along in the statement of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The row that points: 0 is the list's own, `n` is join `n - 1`.
    pub from: usize,
    /// The column that points.
    pub via: usize,
    /// The table it points to.
    pub to: TableRef,
}

/// A table, compared by its name.
#[derive(Clone, Copy, Debug)]
pub struct TableRef(pub &'static Table);

impl PartialEq for TableRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for TableRef {}

/// One value that a row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
}

/// A to-many relation of a row (or of a row that rides along with it).
#[derive(Debug)]
pub struct Relation {
    /// The cell with the parent's key.
    pub parent: usize,
    /// How its rows find their parent.
    pub link: Link,
    /// What to read of them.
    pub list: List,
}

/// How the rows of a list find their parent.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// By a column of their own.
    Children {
        /// The column that points to the parent.
        via: usize,
    },
    /// By a table of pairs.
    Pairs {
        /// The table of pairs.
        table: &'static str,
        /// Its column that points to the parent.
        near: &'static str,
        /// Its column that points to the rows.
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
    /// Up or down.
    pub direction: Direction,
    /// Where absent values stand.
    pub nulls: Nulls,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
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

/// Where absent values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most so many rows.
    pub size: u32,
    /// The last rows rather than the first.
    pub backward: bool,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

impl Page {
    /// The page that `first`, `after`, `last` and `before` name together.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a size is out of range, or `first` and `last` are both given.
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
                    "give `first` or `last`, not both",
                ));
            }
            (None, Some(last)) => (last, "last", true),
            (first, None) => (first.unwrap_or(super::USUAL_PAGE.into()), "first", false),
        };
        match u32::try_from(size) {
            Ok(size) if size <= super::LARGEST_PAGE => Ok(Self { size, backward, after, before }),
            _ => Err(Error::invalid(
                crate::Reason::ValueOutOfRange,
                field,
                format!("`{field}` must be from 0 to {}, it was {size}", super::LARGEST_PAGE),
            )),
        }
    }

    /// The first `size` rows.
    #[must_use]
    pub fn first(size: u32) -> Self {
        Self { size, backward: false, after: None, before: None }
    }
}

impl List {
    /// A list of `table` that carries nothing yet: its usual order, page and no filter.
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
            page: Page::first(super::USUAL_PAGE),
            rows: false,
            count: false,
            beyond: false,
            cursors: false,
            place,
            log: false,
        }
    }

    /// Lets the row that `via` points to ride along; the same one only once.
    pub fn join(&mut self, from: usize, via: usize, to: &'static Table) -> usize {
        let join = Join { from, via, to: TableRef(to) };
        let place = self.joins.iter().position(|known| *known == join).unwrap_or_else(|| {
            self.joins.push(join);
            self.joins.len() - 1
        });
        place + 1
    }

    /// Lets each row carry `column` of row `of`; the same one only once.
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

    /// Adds an aggregate; returns its number.
    pub fn aggregate(&mut self, aggregate: Aggregate) -> usize {
        self.aggregates.push(aggregate);
        self.aggregates.len() - 1
    }

    /// The table of the list's own row (0) or of a join.
    #[must_use]
    pub fn table_of(&self, of: usize) -> &'static Table {
        if of == 0 { self.table } else { self.joins[of - 1].to.0 }
    }

    /// For each join, whether one of the rows `wanted` is it or hangs on it.
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

    /// Whether row `of` may be absent: a join along a column that may be absent.
    pub(crate) fn may_be_absent(&self, of: usize) -> bool {
        of > 0 && {
            let join = &self.joins[of - 1];
            self.table_of(join.from).columns[join.via].nullable || self.may_be_absent(join.from)
        }
    }
}

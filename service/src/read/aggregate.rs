//! What many rows come to: counted, summed up, in groups or all together, for the organization or for each
//! parent. One statement each.

use std::{collections::HashMap, sync::Arc};

use super::{
    filter::Test,
    plan::{Direction, Link, List, Nulls},
    zone::{Bucket, Zone},
};
use crate::{table::Kind, value::Value};

/// The most groups of one answer.
pub const MOST_GROUPS: u32 = 1_000;

/// The groups of an answer when nothing is said.
pub const USUAL_GROUPS: u32 = 100;

/// What is to be known of the rows of a list.
#[derive(Debug)]
pub struct Aggregate {
    /// Which rows; of its order, page and cells nothing is read.
    pub list: List,
    /// What they are grouped by; by nothing, they are one group.
    pub keys: Vec<GroupKey>,
    /// What is wanted of each group.
    pub measures: Vec<Measure>,
    /// Only groups that pass all of these.
    pub having: Vec<(Measure, Test)>,
    /// In which order groups come; those that are the same by it come in the order of their keys.
    pub order: Vec<GroupSort>,
    /// At most so many groups, for each parent.
    pub most: u32,
    /// Whether the number of all groups is wanted.
    pub count: bool,
    /// Whose clocks time is cut by.
    pub zone: Arc<Zone>,
}

/// Something that rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
    /// Which piece of time, of a moment.
    pub bucket: Option<Bucket>,
}

/// Something to be known of a group, by a column of the list's own row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The number of its rows.
    Count,
    /// The number of rows that have a value.
    Present(usize),
    /// The number of different values, text without regard to the case of A–Z.
    Distinct(usize),
    /// The smallest value.
    Min(usize),
    /// The largest value.
    Max(usize),
    /// The mean.
    Avg(usize),
    /// The sum.
    Sum(usize),
}

/// A sort key of groups.
#[derive(Clone, Copy, Debug)]
pub struct GroupSort {
    /// What is compared.
    pub by: GroupBy,
    /// Up or down.
    pub direction: Direction,
    /// Where absent values stand.
    pub nulls: Nulls,
}

/// What groups are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// A measure.
    Measure(Measure),
    /// The key at this place.
    Key(usize),
}

/// An aggregate of the rows below each row of a list.
#[derive(Debug)]
pub struct Below {
    /// The cell with the parent's key.
    pub parent: usize,
    /// How the rows find their parent.
    pub link: Link,
    /// What is to be known of them.
    pub aggregate: Aggregate,
}

/// The groups of each parent: the values of the keys, then the measures.
#[derive(Debug, Default)]
pub struct Aggregated {
    pub(super) groups: HashMap<i64, Vec<Box<[Value]>>>,
    pub(super) totals: HashMap<i64, i64>,
}

impl Aggregated {
    /// The groups below the row with this key; at the root the key is 0.
    #[must_use]
    pub fn groups(&self, parent: i64) -> &[Box<[Value]>] {
        self.groups.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// How many groups there are below the row with this key, if that was asked for.
    #[must_use]
    pub fn total(&self, parent: i64) -> i64 {
        self.totals.get(&parent).copied().unwrap_or_default()
    }
}

impl Aggregate {
    /// Everything of `list` in one group, of which nothing is wanted yet.
    #[must_use]
    pub fn new(list: List, zone: Arc<Zone>) -> Self {
        Self {
            list,
            keys: Vec::new(),
            measures: Vec::new(),
            having: Vec::new(),
            order: Vec::new(),
            most: USUAL_GROUPS,
            count: false,
            zone,
        }
    }

    /// Lets each group tell `measure`; gives its place behind the keys, the same one only once.
    pub fn measure(&mut self, measure: Measure) -> usize {
        let known = self.measures.iter().position(|known| *known == measure);
        known.unwrap_or_else(|| {
            self.measures.push(measure);
            self.measures.len() - 1
        })
    }

    /// How the value of a key is stored.
    pub(super) fn kind_of_key(&self, key: &GroupKey) -> Kind {
        self.list.table_of(key.of).columns[key.column].kind
    }

    /// How the value of a measure is stored.
    pub(super) fn kind_of(&self, measure: Measure) -> Kind {
        match measure {
            Measure::Count | Measure::Present(_) | Measure::Distinct(_) => Kind::BigInt,
            Measure::Min(column) | Measure::Max(column) => self.list.table.columns[column].kind,
            Measure::Avg(_) | Measure::Sum(_) => Kind::Double,
        }
    }
}

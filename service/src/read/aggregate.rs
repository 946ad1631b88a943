//! Aggregates: counts, sums and other measures of many rows, in groups or all together, for the organization or
//! for each parent. One statement each.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    filter::{Filter, Test},
    plan::{Direction, List, Nulls},
    zone::{Bucket, Zone},
};
use crate::{table::Kind, value::Value};

/// Maximum number of groups of one answer.
pub const MAX_GROUPS: u32 = 1_000;

/// Default number of groups of an answer.
pub const DEFAULT_GROUPS: u32 = 100;

/// An aggregate of the rows of a list. Of the list, its filter and its joins are used; its order and page are not.
#[derive(Debug)]
pub struct Aggregate {
    /// Group keys; without any, all rows are one group.
    pub keys: Vec<GroupKey>,
    /// A condition on the rows beside the filter of the list: the range of a time.
    pub condition: Filter,
    /// Filters of single measures, beside the filter of the list.
    pub filters: Vec<Filter>,
    /// The measures of each group.
    pub measures: Vec<FilteredMeasure>,
    /// Conditions on groups; all must match.
    pub having: Vec<(Measure, Test)>,
    /// Sort keys; groups with equal values are sorted by their keys.
    pub order: Vec<GroupSort>,
    /// Maximum number of groups, for each parent.
    pub limit: u32,
    /// Whether the number of all groups is needed.
    pub count: bool,
    /// Time zone of time buckets.
    pub zone: Arc<Zone>,
    /// Whether groups without rows are added for the time buckets that have none.
    pub fill: Option<Fill>,
}

/// Which groups without rows are added: those of the other buckets of each time key, once for each combination of
/// the other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// From this time to before the other: the buckets of the key that is not cyclic.
    pub range: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// A group key: a column, or the time bucket of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
    /// The time bucket, of a time.
    pub bucket: Option<Bucket>,
}

/// A measure of a group, of a column of the list's own row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// The number of rows.
    Count,
    /// The number of rows that have a value.
    Present(usize),
    /// The number of distinct values; the case of A–Z in text is ignored.
    Distinct(usize),
    /// The minimum.
    Min(usize),
    /// The maximum.
    Max(usize),
    /// The mean.
    Avg(usize),
    /// The sum.
    Sum(usize),
    /// The value below which this share of the values lies, from 0 to 1, interpolated between the nearest two.
    Percentile(usize, f64),
}

/// A measure, of all rows of the group or only of those that match a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilteredMeasure {
    /// The measure.
    pub measure: Measure,
    /// The number of its filter in [`Aggregate::filters`].
    pub filter: Option<usize>,
}

impl From<Measure> for FilteredMeasure {
    fn from(measure: Measure) -> Self {
        Self { measure, filter: None }
    }
}

/// A sort key of groups.
#[derive(Clone, Copy, Debug)]
pub struct GroupSort {
    /// What is compared.
    pub by: GroupBy,
    /// Up or down.
    pub direction: Direction,
    /// Where nulls stand.
    pub nulls: Nulls,
}

/// What groups are compared by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupBy {
    /// A measure.
    Measure(Measure),
    /// The key at this position.
    Key(usize),
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

    /// The number of groups below the row with this key, if it was needed.
    #[must_use]
    pub fn total(&self, parent: i64) -> i64 {
        self.totals.get(&parent).copied().unwrap_or_default()
    }
}

impl Aggregate {
    /// An aggregate of all rows in one group, without measures.
    #[must_use]
    pub fn new(zone: Arc<Zone>) -> Self {
        Self {
            keys: Vec::new(),
            condition: Filter::All(Vec::new()),
            filters: Vec::new(),
            measures: Vec::new(),
            having: Vec::new(),
            order: Vec::new(),
            limit: DEFAULT_GROUPS,
            count: false,
            zone,
            fill: None,
        }
    }

    /// Adds a measure of all rows of a group; returns its position behind the keys. The same measure is added once.
    pub fn measure(&mut self, measure: Measure) -> usize {
        self.filtered_measure(measure.into())
    }

    /// Adds a measure; returns its position behind the keys. The same measure is added once.
    pub fn filtered_measure(&mut self, measure: FilteredMeasure) -> usize {
        let known = self.measures.iter().position(|known| *known == measure);
        known.unwrap_or_else(|| {
            self.measures.push(measure);
            self.measures.len() - 1
        })
    }

    /// The filter that all measures have, if groups without a matching row are not needed: then it can be a
    /// condition on the rows.
    pub(super) fn shared_filter(&self) -> Option<usize> {
        let first = self.measures.first()?.filter?;
        let is_shared = self.measures.iter().all(|one| one.filter == Some(first));
        (is_shared && self.keys.is_empty()).then_some(first)
    }

    /// How the value of a key is stored.
    pub(super) fn kind_of_key(list: &List, key: &GroupKey) -> Kind {
        match key.bucket {
            Some(bucket) if bucket.is_cyclic() => Kind::BigInt,
            _ => list.table_of(key.of).columns[key.column].kind,
        }
    }

    /// How the value of a measure is stored.
    pub(super) fn kind_of(list: &List, measure: Measure) -> Kind {
        match measure {
            Measure::Count | Measure::Present(_) | Measure::Distinct(_) => Kind::BigInt,
            Measure::Min(column) | Measure::Max(column) => list.table.columns[column].kind,
            Measure::Avg(_) | Measure::Sum(_) | Measure::Percentile(..) => Kind::Double,
        }
    }
}

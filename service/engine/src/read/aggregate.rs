//! Aggregates: counts, sums and other measures of rows, in total or by group, for the organization or for each parent.
//! Each aggregate takes one statement.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    filter::{Filter, Test},
    plan::{Direction, List, Nulls},
    zone::{Bucket, Zone},
};
use crate::value::{Kind, Value};

/// Maximum number of groups in a response.
pub const MAX_GROUPS: u32 = 1_000;

/// Default number of groups in a response.
pub const DEFAULT_GROUPS: u32 = 100;

/// An aggregate over the rows of a list. The filter and joins of the list apply; its order and page do not.
#[derive(Debug)]
pub struct Aggregate {
    /// Group keys. If there are none, all rows form one group.
    pub keys: Vec<GroupKey>,
    /// The time range: a condition in addition to the filter of the list.
    pub condition: Filter,
    /// Filters of individual measures, in addition to the filter of the list.
    pub filters: Vec<Filter>,
    /// The measures of each group.
    pub measures: Vec<FilteredMeasure>,
    /// Conditions on groups; all must match.
    pub having: Vec<(Measure, Test)>,
    /// Sort keys. Groups with equal sort values are sorted by their group keys.
    pub order: Vec<GroupSort>,
    /// Maximum number of groups per parent.
    pub limit: u32,
    /// Whether the total number of groups is requested.
    pub count: bool,
    /// Time zone of time buckets.
    pub zone: Arc<Zone>,
    /// Gap filling: whether groups without rows are added for empty time buckets.
    pub fill: Option<Fill>,
}

/// Gap filling options. A group is added for each missing bucket of each time key and each combination of the other
/// keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Half-open time range to fill with the buckets of the non-cyclic time key.
    pub range: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// A group key: a column, or a time bucket of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// Row that has the column: 0 is the list's own row, `n` is join `n - 1`.
    pub of: usize,
    /// The column.
    pub column: usize,
    /// Time bucket, if the column is a timestamp.
    pub bucket: Option<Bucket>,
}

/// A measure of a group, over a column of the list's own row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// The number of rows.
    Count,
    /// The number of rows with a non-null value.
    Present(usize),
    /// The number of distinct values; ASCII case is ignored in text.
    Distinct(usize),
    /// The minimum.
    Min(usize),
    /// The maximum.
    Max(usize),
    /// The mean.
    Avg(usize),
    /// The sum.
    Sum(usize),
    /// The value below which this share (from 0 to 1) of the values lies, interpolated between the two nearest values.
    Percentile(usize, f64),
}

/// A measure over all rows of the group, or only over the rows that match a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilteredMeasure {
    /// The measure.
    pub measure: Measure,
    /// Index of the filter of the measure in [`Aggregate::filters`].
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
    /// Value to compare.
    pub by: GroupBy,
    /// Sort direction.
    pub direction: Direction,
    /// Null placement.
    pub nulls: Nulls,
}

/// The value that groups are sorted by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupBy {
    /// A measure.
    Measure(Measure),
    /// The group key at this position.
    Key(usize),
}

/// The groups of each parent. Each group consists of its group keys, followed by its measures.
#[derive(Debug, Default)]
pub struct Aggregated {
    pub(super) groups: HashMap<i64, Vec<Box<[Value]>>>,
    pub(super) totals: HashMap<i64, i64>,
}

impl Aggregated {
    /// The groups of the parent with this primary key; 0 at the root.
    #[must_use]
    pub fn groups(&self, parent: i64) -> &[Box<[Value]>] {
        self.groups.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// The number of groups of the parent with this primary key, if requested.
    #[must_use]
    pub fn total(&self, parent: i64) -> i64 {
        self.totals.get(&parent).copied().unwrap_or_default()
    }
}

impl Aggregate {
    /// An aggregate of all rows as one group, without measures.
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

    /// Adds a measure over all rows of a group and returns its index, counted after the group keys. An existing
    /// identical measure is reused.
    pub fn measure(&mut self, measure: Measure) -> usize {
        self.filtered_measure(measure.into())
    }

    /// Adds a measure and returns its index, counted after the group keys. An existing identical measure is reused.
    pub fn filtered_measure(&mut self, measure: FilteredMeasure) -> usize {
        let known = self.measures.iter().position(|known| *known == measure);
        known.unwrap_or_else(|| {
            self.measures.push(measure);
            self.measures.len() - 1
        })
    }

    /// The filter shared by all measures, if groups without a matching row are not needed. The filter can then be
    /// applied to the rows of the list.
    pub(super) fn shared_filter(&self) -> Option<usize> {
        let first = self.measures.first()?.filter?;
        let is_shared = self.measures.iter().all(|one| one.filter == Some(first));
        (is_shared && self.keys.is_empty()).then_some(first)
    }

    /// The sort keys, followed by the group keys in ascending order with nulls last, which make the order unique.
    pub(super) fn sort_keys(&self) -> impl Iterator<Item = GroupSort> {
        let by_keys = (0..self.keys.len()).map(|position| GroupSort {
            by: GroupBy::Key(position),
            direction: Direction::Ascending,
            nulls: Nulls::Last,
        });
        self.order.iter().copied().chain(by_keys)
    }

    /// Storage type of a group key.
    pub(super) fn kind_of_key(list: &List, key: &GroupKey) -> Kind {
        match key.bucket {
            Some(bucket) if bucket.is_cyclic() => Kind::BigInt,
            _ => list.table_of(key.of).columns[key.column].kind,
        }
    }

    /// Storage type of a measure.
    pub(super) fn kind_of(list: &List, measure: Measure) -> Kind {
        match measure {
            Measure::Count | Measure::Present(_) | Measure::Distinct(_) => Kind::BigInt,
            Measure::Min(column) | Measure::Max(column) => list.table.columns[column].kind,
            Measure::Avg(_) | Measure::Sum(_) | Measure::Percentile(..) => Kind::Double,
        }
    }
}

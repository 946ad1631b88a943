//! Gap filling: adds groups without rows for empty time buckets, e.g. for charts.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    aggregate::{Aggregate, Aggregated, Fill, GroupBy, MAX_GROUPS, Measure},
    filter::fold,
    plan::{Direction, Nulls},
};
use crate::{
    error::{Error, Result},
    reason::Reason,
    value::Value,
};

/// Groups of one parent. Each group consists of its group keys, followed by its measures.
type Groups = Vec<Box<[Value]>>;

/// Adds the missing groups of each parent, sorts all groups, and applies the limit.
///
/// # Errors
/// [`Error::Invalid`] if there would be more than [`MAX_GROUPS`] groups.
pub(super) fn fill(
    found: &mut Aggregated,
    aggregate: &Aggregate,
    fill: &Fill,
    parents: &[i64],
) -> Result<()> {
    let buckets: Vec<Option<Vec<Value>>> =
        aggregate.keys.iter().map(|key| buckets(aggregate, fill, key.bucket)).collect();
    let empty = aggregate.measures.iter().map(|one| match one.measure {
        Measure::Count | Measure::Present(_) | Measure::Distinct(_) => Value::Int(0),
        _ => Value::Null,
    });
    let empty: Vec<Value> = empty.collect();
    for parent in parents {
        let groups = found.groups.entry(*parent).or_default();
        add(groups, &buckets, &empty)?;
        groups.sort_by(|one, other| compare(aggregate, one, other));
        found.totals.insert(*parent, i64::try_from(groups.len()).unwrap_or(i64::MAX));
        groups.truncate(aggregate.limit as usize);
    }
    Ok(())
}

/// All buckets of a group key; `None` if the key is not a time bucket.
fn buckets(
    aggregate: &Aggregate,
    fill: &Fill,
    bucket: Option<super::Bucket>,
) -> Option<Vec<Value>> {
    let bucket = bucket?;
    Some(match (bucket, fill.range) {
        (super::Bucket::Weekday, _) => (1..=7).map(Value::Int).collect(),
        (super::Bucket::HourOfDay, _) => (0..24).map(Value::Int).collect(),
        (bucket, range) => {
            let begins = aggregate.zone.begins(range?, bucket, MAX_GROUPS as usize + 1);
            begins.into_iter().map(Value::Time).collect()
        }
    })
}

fn add(groups: &mut Groups, buckets: &[Option<Vec<Value>>], empty: &[Value]) -> Result<()> {
    let identity = |keys: &[Value]| format!("{:?}", keys.iter().map(fold).collect::<Vec<_>>());
    let mut known: HashSet<String> =
        groups.iter().map(|group| identity(&group[..buckets.len()])).collect();
    // Combinations of the other keys, with null in place of each bucket.
    let mut combinations: Vec<Vec<Value>> = Vec::new();
    let mut seen = HashSet::new();
    let none = vec![Value::Null; buckets.len()];
    let all_are_buckets = buckets.iter().all(Option::is_some);
    let existing = groups.iter().map(|group| {
        let keys = group.iter().zip(buckets);
        keys.map(|(key, bucket)| if bucket.is_some() { Value::Null } else { key.clone() }).collect()
    });
    for combination in existing.chain(all_are_buckets.then_some(none)) {
        if seen.insert(identity(&combination)) {
            combinations.push(combination);
        }
    }
    for (position, bucket) in buckets.iter().enumerate() {
        let Some(bucket) = bucket else { continue };
        if combinations.len().saturating_mul(bucket.len()) > MAX_GROUPS as usize {
            return Err(too_many());
        }
        let with = |combination: &Vec<Value>, begin: &Value| {
            let mut combination = combination.clone();
            combination[position] = begin.clone();
            combination
        };
        combinations = combinations
            .iter()
            .flat_map(|combination| bucket.iter().map(move |begin| with(combination, begin)))
            .collect();
    }
    for combination in combinations {
        if known.insert(identity(&combination)) {
            groups.push(combination.into_iter().chain(empty.iter().cloned()).collect());
        }
    }
    if groups.len() > MAX_GROUPS as usize { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> Error {
    let message = format!(
        "`fill` would return more than {MAX_GROUPS} groups: use a shorter time range, longer buckets or fewer keys"
    );
    Error::invalid(Reason::TooManyItems, "fill", message)
}

fn compare(aggregate: &Aggregate, one: &[Value], other: &[Value]) -> Ordering {
    let mut orders = aggregate.sort_keys().map(|sort| {
        let GroupBy::Key(position) = sort.by else { return Ordering::Equal };
        let nulls_first = sort.nulls == Nulls::First;
        match (&one[position], &other[position]) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) if nulls_first => Ordering::Less,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) if nulls_first => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            (one, other) if sort.direction == Direction::Ascending => compare_values(one, other),
            (one, other) => compare_values(other, one),
        }
    });
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_values(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Int(one), Value::Int(other)) => one.cmp(other),
        (Value::Time(one), Value::Time(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => {
            one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase())
        }
        _ => Ordering::Equal,
    }
}

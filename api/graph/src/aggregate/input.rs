//! The arguments of `groups`.

use async_graphql::{Name, Value};
use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    Reason, Value as Cell,
    read::{
        Aggregate, Fill, Filter, GroupBy, GroupKey, GroupSort, List, MAX_GROUPS, Measure, Test,
    },
};

use super::{
    super::{
        declaration::{Entity, Scalar},
        filter, input, order, scalar,
    },
    columns::column,
    key::{Key, only},
};
use crate::error::{Error, Result};

/// Maximum number of group keys.
const MAX_KEYS: usize = 4;

/// Maximum number of sort keys.
const MAX_SORT_KEYS: usize = 5;

type Arguments = indexmap::IndexMap<String, Value>;

/// The time range of a group key.
pub(crate) struct Range {
    /// The position of the group key.
    pub key: usize,
    /// The condition on the timestamp, as JSON.
    pub condition: serde_json::Value,
}

/// Reads the arguments into `aggregate` for the rows of `list`; returns the group keys and the range.
///
/// # Errors
/// `INVALID`, with the field and the accepted values.
pub(crate) fn groups(
    entity: &'static Entity,
    arguments: &Arguments,
    list: &mut List,
    aggregate: &mut Aggregate,
) -> Result<(Vec<Key>, Option<Range>)> {
    let zone = input::text(arguments, "timeZone")?.unwrap_or_else(|| "UTC".to_owned());
    aggregate.zone = input::time_zone(&zone, "timeZone")?;
    if let Some(first) = input::whole(arguments, "first")? {
        let fits = u32::try_from(first).ok().filter(|first| *first <= MAX_GROUPS);
        aggregate.limit = fits.ok_or_else(|| {
            Error::invalid(
                Reason::ValueOutOfRange,
                "first",
                format!("`first` must be from 0 to {MAX_GROUPS} (got {first})"),
            )
        })?;
    }
    let keys = keys(entity, arguments)?;
    for key in &keys {
        let of = key.path.iter().fold(0, |from, hop| list.join(from, hop.via, hop.to.table));
        aggregate.keys.push(GroupKey { of, column: key.column, bucket: key.bucket() });
    }
    if let Some(Value::Object(having)) = arguments.get("having") {
        read_having(entity, having, aggregate)?;
    }
    let sorts = arguments.get("orderBy").map(input::items).unwrap_or_default();
    if sorts.len() > MAX_SORT_KEYS {
        let message = format!("`orderBy` accepts at most {MAX_SORT_KEYS} sort keys");
        return Err(Error::invalid(Reason::TooManyItems, "orderBy", message));
    }
    for sort in sorts {
        let sort = read_sort(entity, keys.len(), sort)?;
        aggregate.order.push(sort);
    }
    let range = read_range(arguments, &keys, aggregate)?;
    Ok((keys, range))
}

fn keys(entity: &'static Entity, arguments: &Arguments) -> Result<Vec<Key>> {
    let items = arguments.get("by").map(input::items).unwrap_or_default();
    if !(1..=MAX_KEYS).contains(&items.len()) {
        let message = format!("`by` must have 1 to {MAX_KEYS} group keys");
        return Err(Error::invalid(Reason::GroupKeyInvalid, "by", message));
    }
    let mut keys: Vec<Key> = Vec::new();
    for item in items {
        let key = Key::read(entity, item)?;
        if keys.iter().any(|known| known.same(&key)) {
            let message = format!("`by` contains the group key `{}` more than once", key.name());
            return Err(Error::invalid(Reason::GroupKeyInvalid, "by", message));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Reads `since`, `until` and `fill`.
fn read_range(
    arguments: &Arguments,
    keys: &[Key],
    aggregate: &mut Aggregate,
) -> Result<Option<Range>> {
    let invalid =
        |field: &str, message: &str| Err(Error::invalid(Reason::FillInvalid, field, message));
    let is_linear = |key: &Key| key.bucket().is_some_and(|bucket| !bucket.is_cyclic());
    let linear = keys.iter().filter(|key| is_linear(key)).count();
    let time = keys
        .iter()
        .position(is_linear)
        .or_else(|| keys.iter().position(|key| key.bucket().is_some()));
    let (since, until) = (read_time(arguments, "since")?, read_time(arguments, "until")?);
    let other =
        |key: &&Key| is_linear(key) && time.is_some_and(|time| !keys[time].has_column_of(key));
    let mut range = None;
    if let Some(field) = since.map(|_| "since").or(until.map(|_| "until")) {
        let Some(key) = time else {
            let message = format!("`{field}` requires a time bucket in `by`");
            return Err(Error::invalid(Reason::GroupKeyInvalid, field, message));
        };
        if keys.iter().any(|key| other(&key)) {
            let message = format!(
                "`{field}` allows time buckets of only one column in `by`; use `filter` for the other columns"
            );
            return Err(Error::invalid(Reason::GroupKeyInvalid, field, message));
        }
        if since.zip(until).is_some_and(|(since, until)| until <= since) {
            let message = "`until` must be later than `since`";
            return Err(Error::invalid(Reason::TimeRangeInvalid, "until", message));
        }
        range = Some(restrict_to_time_range(&keys[key], key, since, until, aggregate));
    }
    if matches!(arguments.get("fill"), Some(Value::Boolean(true))) {
        if time.is_none() {
            return invalid("fill", "`fill` requires a time bucket in `by`");
        }
        if linear > 1 {
            return invalid(
                "fill",
                "`fill` allows one time bucket in `by`, in addition to `WEEKDAY` and `HOUR_OF_DAY`",
            );
        }
        let bounds = since.zip(until);
        if linear > 0 && bounds.is_none() {
            return invalid(
                "fill",
                "`fill` requires `since` and `until` for buckets other than `WEEKDAY` and `HOUR_OF_DAY`",
            );
        }
        if !aggregate.having.is_empty() {
            return invalid("having", "`having` can't be combined with `fill`");
        }
        if aggregate.order.iter().any(|sort| matches!(sort.by, GroupBy::Measure(_))) {
            return invalid("orderBy", "with `fill`, groups can be sorted only by `groupKey`");
        }
        aggregate.fill = Some(Fill { range: bounds });
    }
    Ok(range)
}

fn read_time(arguments: &Arguments, name: &str) -> Result<Option<DateTime<Utc>>> {
    let value = arguments.get(name).filter(|value| **value != Value::Null);
    let Some(value) = value else { return Ok(None) };
    Ok(scalar::input(value, Scalar::DateTime, name)?.time())
}

/// Restricts the aggregated rows to the time range of the timestamp column `key`, the group key at `position`.
fn restrict_to_time_range(
    key: &Key,
    position: usize,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    aggregate: &mut Aggregate,
) -> Range {
    let (mut tests, mut condition) = (Vec::new(), serde_json::Map::new());
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    if let Some(since) = since {
        tests.push(Filter::Column(key.column, Test::Gte(Cell::Time(since))));
        condition.insert("gte".to_owned(), text(since).into());
    }
    if let Some(until) = until {
        tests.push(Filter::Column(key.column, Test::Lt(Cell::Time(until))));
        condition.insert("lt".to_owned(), text(until).into());
    }
    let path = key.path.iter().rev();
    aggregate.condition = path.fold(Filter::All(tests), |filter, hop| Filter::ToOne {
        via: hop.via,
        table: hop.to.table,
        filter: Box::new(filter),
    });
    Range { key: position, condition: condition.into() }
}

type Object = indexmap::IndexMap<Name, Value>;

fn read_having(entity: &'static Entity, having: &Object, aggregate: &mut Aggregate) -> Result<()> {
    for (name, value) in having {
        let path = format!("having.{name}");
        if name == "count" {
            let tests = filter::tests_of(value, Scalar::Int, &path)?;
            aggregate.having.extend(tests.into_iter().map(|test| (Measure::Count, test)));
            continue;
        }
        let Some(column) = column(entity, name) else { continue };
        let Value::Object(measures) = value else {
            let message = format!("`{path}` must be an object");
            return Err(Error::invalid(Reason::ValueInvalid, &path, message));
        };
        for (name, value) in measures {
            let path = format!("{path}.{name}");
            let Some(kind) = column.kind.measure(name) else { continue };
            // Integers and floating-point numbers share `FloatFilter`.
            let scalar = match kind.scalar(column.scalar) {
                Scalar::Int if !kind.counts() => Scalar::Float,
                scalar => scalar,
            };
            let tests = filter::tests_of(value, scalar, &path)?;
            let measure = kind.of(column.column, 0.0);
            aggregate.having.extend(tests.into_iter().map(|test| (measure, test)));
        }
    }
    Ok(())
}

fn read_sort(entity: &'static Entity, keys: usize, value: &Value) -> Result<GroupSort> {
    let invalid = |message: &str| Err(Error::invalid(Reason::OrderInvalid, "orderBy", message));
    let one_field =
        "each item of `orderBy` must have exactly one field; pass several sort keys as a list";
    let Some((name, inner)) = only(value) else { return invalid(one_field) };
    let ascending = Value::Enum(Name::new("ASC"));
    let (by, direction, path) = match name.as_str() {
        "count" => (GroupBy::Measure(Measure::Count), inner, "count"),
        "groupKey" => {
            let Value::Object(fields) = inner else {
                return invalid("`groupKey` must be an object");
            };
            let position = match fields.get("position") {
                Some(Value::Number(number)) => {
                    number.as_u64().and_then(|at| usize::try_from(at).ok())
                }
                _ => None,
            };
            let Some(position) = position.filter(|position| *position < keys) else {
                let last = keys.saturating_sub(1);
                return invalid(&format!(
                    "`groupKey.position` must be the position of a group key in `by`, from 0 to {last}"
                ));
            };
            let direction = fields.get("direction").unwrap_or(&ascending);
            (GroupBy::Key(position), direction, "groupKey.direction")
        }
        name => {
            let Some((measure, inner)) = only(inner) else { return invalid(one_field) };
            let column = column(entity, name);
            let known = column.and_then(|column| Some((column, column.kind.measure(measure)?)));
            match known {
                Some((column, kind)) if kind.is_comparable() => {
                    (GroupBy::Measure(kind.of(column.column, 0.0)), inner, name)
                }
                _ => return invalid(&format!("groups can't be sorted by `{name}`")),
            }
        }
    };
    let (direction, nulls) = order::direction(direction, path)?;
    Ok(GroupSort { by, direction, nulls })
}

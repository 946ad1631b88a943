//! The arguments of aggregates.

use async_graphql::Value;
use service::read::{Aggregate, GroupBy, GroupKey, GroupSort, MOST_GROUPS, Measure, Zone};

use super::{
    super::{declaration::Entity, filter, input, order},
    fields::{self, KeyField, Told},
    types::{MEASURES, measured, told_as},
};
use crate::error::{Error, Result};

/// The most keys of a group.
const MOST_KEYS: usize = 4;

/// The most sort keys.
const MOST_SORTS: usize = 5;

type Arguments = indexmap::IndexMap<String, Value>;

/// Reads the filter.
///
/// # Errors
/// `INVALID`, with the field and what it takes.
pub(super) fn filtered(
    entity: &'static Entity,
    arguments: &Arguments,
    aggregate: &mut Aggregate,
) -> Result<()> {
    if let Some(value) = arguments.get("filter") {
        aggregate.list.filter = filter::read(entity, value)?;
    }
    Ok(())
}

/// Reads what groups are made by, which of them are wanted, and in which order; gives the keys.
///
/// # Errors
/// `INVALID`, with the field and what it takes.
pub(super) fn grouped(
    entity: &'static Entity,
    arguments: &Arguments,
    aggregate: &mut Aggregate,
) -> Result<Vec<&'static KeyField>> {
    filtered(entity, arguments, aggregate)?;
    let zone = input::text(arguments, "timeZone")?.unwrap_or_else(|| "UTC".to_owned());
    aggregate.zone = Zone::named(&zone).ok_or_else(|| {
        let message = "`timeZone` takes a name of the IANA database, like `Europe/Berlin`";
        Error::invalid(service::Reason::TimeZoneUnknown, "timeZone", message)
    })?;
    if let Some(first) = input::whole(arguments, "first")? {
        let fits = u32::try_from(first).ok().filter(|first| *first <= MOST_GROUPS);
        aggregate.most = fits.ok_or_else(|| {
            Error::invalid(
                service::Reason::ValueOutOfRange,
                "first",
                format!("`first` must be from 0 to {MOST_GROUPS}, it was {first}"),
            )
        })?;
    }
    let keys = keys(entity, arguments)?;
    for key in &keys {
        let of =
            key.path.iter().fold(0, |from, hop| aggregate.list.join(from, hop.via, hop.to.table));
        let bucket = match key.told {
            Told::Bucket(bucket) => Some(bucket),
            Told::Id(_) | Told::Value(_) => None,
        };
        aggregate.keys.push(GroupKey { of, column: key.column, bucket });
    }
    if let Some(Value::Object(having)) = arguments.get("having") {
        having_of(entity, having, aggregate)?;
    }
    let sorts = arguments.get("orderBy").map(input::items).unwrap_or_default();
    if sorts.len() > MOST_SORTS {
        let message = format!("`orderBy` takes at most {MOST_SORTS} keys");
        return Err(Error::invalid(service::Reason::TooManyItems, "orderBy", message));
    }
    for sort in sorts {
        let sort = sort_of(entity, &keys, sort)?;
        aggregate.order.push(sort);
    }
    Ok(keys)
}

fn keys(entity: &'static Entity, arguments: &Arguments) -> Result<Vec<&'static KeyField>> {
    let asked = arguments.get("by").map(input::items).unwrap_or_default();
    let refuse =
        |message: String| Err(Error::invalid(service::Reason::OrderInvalid, "by", message));
    if !(1..=MOST_KEYS).contains(&asked.len()) {
        return refuse(format!("`by` takes from 1 to {MOST_KEYS} keys"));
    }
    let mut keys: Vec<&'static KeyField> = Vec::new();
    for one in asked {
        let name = match one {
            Value::Enum(name) => name.as_str(),
            Value::String(name) => name,
            _ => "",
        };
        match fields::of(entity).keys.iter().find(|key| key.name == name) {
            None => return refuse(format!("{} can't be grouped by `{name}`", entity.plural)),
            Some(key) if keys.iter().any(|known| known.name == key.name) => {
                return refuse(format!("`by` names {name} twice"));
            }
            Some(key) => keys.push(key),
        }
    }
    Ok(keys)
}

/// The measure of this kind.
///
/// # Panics
/// Never: kinds are those of [`MEASURES`].
pub(super) fn measure(kind: &str, column: usize) -> Measure {
    match kind {
        "distinct" => Measure::Distinct(column),
        "min" => Measure::Min(column),
        "max" => Measure::Max(column),
        "avg" => Measure::Avg(column),
        _ => Measure::Sum(column),
    }
}

type Object = indexmap::IndexMap<async_graphql::Name, Value>;

fn having_of(entity: &'static Entity, having: &Object, aggregate: &mut Aggregate) -> Result<()> {
    for (kind, value) in having {
        let path = format!("having.{kind}");
        if kind == "count" {
            let tests = filter::tests_of(value, super::super::declaration::Scalar::Int, &path)?;
            aggregate.having.extend(tests.into_iter().map(|test| (Measure::Count, test)));
            continue;
        }
        let Some((_, part, _)) = MEASURES.iter().find(|(name, ..)| kind == name) else { continue };
        let Value::Object(columns) = value else {
            return Err(Error::invalid(
                service::Reason::ValueInvalid,
                &path,
                format!("`{path}` takes an object"),
            ));
        };
        for (name, value) in columns {
            let path = format!("{path}.{name}");
            let found =
                measured(entity, part).iter().find(|(field, ..)| field.name == name.as_str());
            let Some((_, column, scalar)) = found else { continue };
            let tests = filter::tests_of(value, told_as(part, *scalar), &path)?;
            let measure = measure(kind, *column);
            aggregate.having.extend(tests.into_iter().map(|test| (measure, test)));
        }
    }
    Ok(())
}

fn sort_of(
    entity: &'static Entity,
    keys: &[&'static KeyField],
    value: &Value,
) -> Result<GroupSort> {
    let refuse =
        |message: &str| Err(Error::invalid(service::Reason::OrderInvalid, "orderBy", message));
    let only = |value: &Value| match value {
        Value::Object(parts) if parts.len() == 1 => {
            parts.first().map(|(name, value)| (name.to_string(), value.clone()))
        }
        _ => None,
    };
    let Some((kind, inner)) = only(value) else {
        return refuse("each key of `orderBy` has exactly one field; write several keys as a list");
    };
    if kind == "count" {
        let (direction, nulls) = order::direction(&inner, "count")?;
        return Ok(GroupSort { by: GroupBy::Measure(Measure::Count), direction, nulls });
    }
    let Some((name, word)) = only(&inner) else {
        return refuse("each key of `orderBy` has exactly one field; write several keys as a list");
    };
    let (direction, nulls) = order::direction(&word, &name)?;
    let by = if kind == "key" {
        match keys.iter().position(|key| key.field == name) {
            Some(place) => GroupBy::Key(place),
            None => return refuse(&format!("groups are not made by `{name}`: add it to `by`")),
        }
    } else {
        let part = MEASURES.iter().find(|(measure, ..)| *measure == kind).map(|(_, part, _)| *part);
        let columns = part.map(|part| measured(entity, part));
        let found = columns.and_then(|all| all.iter().find(|(field, ..)| field.name == name));
        match found {
            Some((_, column, _)) => GroupBy::Measure(measure(&kind, *column)),
            None => return refuse(&format!("groups can't be sorted by `{name}`")),
        }
    };
    Ok(GroupSort { by, direction, nulls })
}

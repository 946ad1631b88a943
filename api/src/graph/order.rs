//! From an `orderBy` argument to the sort keys of the service.

use async_graphql::Value;
use service::read::{Direction, List, Nulls, Sort};

use super::{
    declaration::{Entity, Gives},
    input,
};
use crate::error::{Error, Result};

/// The most keys of an `orderBy`.
const MOST_KEYS: usize = 5;

/// The values of the `OrderDirection` enum: name, direction, where absent values stand, meaning.
pub const DIRECTIONS: [(&str, Direction, Nulls, &str); 6] = [
    ("ASC", Direction::Ascending, Nulls::Last, "Smallest first; absent values last."),
    ("DESC", Direction::Descending, Nulls::First, "Largest first; absent values first."),
    ("ASC_NULLS_FIRST", Direction::Ascending, Nulls::First, "Smallest first; absent values first."),
    ("ASC_NULLS_LAST", Direction::Ascending, Nulls::Last, "Smallest first; absent values last."),
    (
        "DESC_NULLS_FIRST",
        Direction::Descending,
        Nulls::First,
        "Largest first; absent values first.",
    ),
    ("DESC_NULLS_LAST", Direction::Descending, Nulls::Last, "Largest first; absent values last."),
];

/// Reads an `orderBy` of `entity` into the plan of its list.
///
/// # Errors
/// `INVALID`, with the field and what it takes.
pub fn read(entity: &'static Entity, value: &Value, list: &mut List) -> Result<()> {
    let keys = input::items(value);
    if keys.len() > MOST_KEYS {
        let message = format!("`orderBy` takes at most {MOST_KEYS} keys");
        return Err(Error::invalid(service::Reason::TooManyItems, "orderBy", message));
    }
    for key in keys {
        let sort = one(entity, 0, key, list)?;
        list.order.push(sort);
    }
    Ok(())
}

fn one(entity: &'static Entity, of: usize, value: &Value, list: &mut List) -> Result<Sort> {
    let refuse =
        |message: &str| Err(Error::invalid(service::Reason::OrderInvalid, "orderBy", message));
    let Value::Object(parts) = value else {
        return refuse("each key of `orderBy` is an object with one field");
    };
    let mut parts = parts.iter();
    let (Some((name, value)), None) = (parts.next(), parts.next()) else {
        return refuse("each key of `orderBy` has exactly one field; write several keys as a list");
    };
    let column = match entity.field(name).map(|field| (&field.gives, field.sort)) {
        Some((Gives::One { via, to, .. }, _)) => {
            let of = list.join(of, *via, to().table);
            return one(to(), of, value, list);
        }
        Some((Gives::Id, _)) => entity.table.id(),
        Some((Gives::Column { column, .. }, true)) => *column,
        _ => return refuse(&format!("lists can't be sorted by `{name}`")),
    };
    let (direction, nulls) = direction(value, name)?;
    Ok(Sort { of, column, direction, nulls })
}

/// Reads the direction in which something is sorted by `name`.
///
/// # Errors
/// `INVALID` when it is none.
pub(super) fn direction(value: &Value, name: &str) -> Result<(Direction, Nulls)> {
    let direction = match value {
        Value::Enum(name) => name.as_str(),
        Value::String(name) => name,
        _ => "",
    };
    let known = DIRECTIONS.iter().find(|(name, ..)| *name == direction);
    known.map(|(_, direction, nulls, _)| (*direction, *nulls)).ok_or_else(|| {
        Error::invalid(
            service::Reason::OrderInvalid,
            "orderBy",
            format!("`{name}` takes a direction"),
        )
    })
}

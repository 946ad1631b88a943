//! Converts an `orderBy` argument to the sort keys of the service.

use async_graphql::Value;
use engine::read::{Direction, List, Nulls, Sort};

use super::{
    declaration::{Entity, FieldKind},
    input,
};
use crate::error::{Error, Result};

/// Maximum number of sort keys in `orderBy`.
const MAX_KEYS: usize = 5;

/// The values of the `OrderDirection` enum: name, direction, placement of nulls, description.
pub const DIRECTIONS: [(&str, Direction, Nulls, &str); 6] = [
    ("ASC", Direction::Ascending, Nulls::Last, "Ascending; nulls last."),
    ("DESC", Direction::Descending, Nulls::First, "Descending; nulls first."),
    ("ASC_NULLS_FIRST", Direction::Ascending, Nulls::First, "Ascending; nulls first."),
    ("ASC_NULLS_LAST", Direction::Ascending, Nulls::Last, "Ascending; nulls last."),
    ("DESC_NULLS_FIRST", Direction::Descending, Nulls::First, "Descending; nulls first."),
    ("DESC_NULLS_LAST", Direction::Descending, Nulls::Last, "Descending; nulls last."),
];

/// Reads the `orderBy` argument of `entity` into the plan of its list.
///
/// # Errors
/// `INVALID`, with the field and the accepted values.
pub fn read(entity: &'static Entity, value: &Value, list: &mut List) -> Result<()> {
    let keys = input::items(value);
    if keys.len() > MAX_KEYS {
        let message = format!("`orderBy` must have at most {MAX_KEYS} sort keys");
        return Err(Error::invalid(engine::Reason::TooManyItems, "orderBy", message));
    }
    for key in keys {
        let sort = one(entity, 0, key, list)?;
        list.order.push(sort);
    }
    Ok(())
}

fn one(entity: &'static Entity, of: usize, value: &Value, list: &mut List) -> Result<Sort> {
    let refuse =
        |message: &str| Err(Error::invalid(engine::Reason::OrderInvalid, "orderBy", message));
    let Value::Object(parts) = value else {
        return refuse("each sort key in `orderBy` must be an object with one field");
    };
    let mut parts = parts.iter();
    let (Some((name, value)), None) = (parts.next(), parts.next()) else {
        return refuse(
            "each sort key in `orderBy` must have exactly one field; pass several sort keys as a list",
        );
    };
    let field = entity.field(name);
    let rank = field.and_then(|field| field.rank);
    let column = match field.map(|field| (&field.gives, field.sort)) {
        Some((FieldKind::One { via, to, .. }, _)) => {
            let of = list.join(of, *via, to().table);
            return one(to(), of, value, list);
        }
        Some((FieldKind::Id, _)) => entity.table.id(),
        Some((FieldKind::Column { column, .. }, true)) => rank.unwrap_or(*column),
        _ => return refuse(&format!("lists can't be sorted by `{name}`")),
    };
    let (direction, mut nulls) = direction(value, name)?;
    if rank.is_some() && input::enum_text(value) == Some("DESC") {
        // A row without a rank is not above all others.
        nulls = Nulls::Last;
    }
    Ok(Sort { of, column, direction, nulls })
}

/// Reads the direction of the sort key `name`.
///
/// # Errors
/// `INVALID` if the value is not a sort direction.
pub(super) fn direction(value: &Value, name: &str) -> Result<(Direction, Nulls)> {
    let direction = input::enum_text(value);
    let known = DIRECTIONS.iter().find(|(name, ..)| Some(*name) == direction);
    known.map(|(_, direction, nulls, _)| (*direction, *nulls)).ok_or_else(|| {
        Error::invalid(
            engine::Reason::OrderInvalid,
            "orderBy",
            format!("`{name}` must be a sort direction, e.g. `ASC`"),
        )
    })
}

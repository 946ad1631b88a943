//! Cursors: the sort values and primary key of a row, bound to the list that issued them.
//!
//! Layout: the version, 8 bytes of checksum, then each value as a tag and its bytes. The checksum is seeded with the
//! binding of the cursor (field, parent, order, filter), so a truncated cursor, a forged cursor and a cursor of another
//! list all fail the same check. The checksum guards against mistakes, not attacks: a cursor only names a position
//! within a list that the client may read anyway.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::plan::List;
use crate::{
    error::{Error, Result},
    value::{Kind, Value},
};

const VERSION: u8 = 1;

/// Maximum length of an encoded cursor in bytes: enough for five texts of 255 four-byte characters and the other parts.
const MAX_CURSOR_LENGTH: usize = 8_000;

/// Binding of the cursors of a list whose parent is `parent`.
pub(super) fn binding(list: u64, parent: Option<i64>) -> u64 {
    parent.map_or(list, |parent| xxh3_64_with_seed(&parent.to_le_bytes(), list))
}

/// Binding of all change log cursors. They are log positions, independent of the list, filter or subscription that
/// issued them.
#[must_use]
pub fn log_binding() -> u64 {
    xxh3_64(b"change log")
}

/// Binding of all cursors of `list`: its field, order and filter.
pub(super) fn list_binding(list: &List) -> u64 {
    if list.log {
        return log_binding();
    }
    let order: Vec<_> = list
        .order
        .iter()
        .map(|sort| {
            let table = list.table_of(sort.of);
            (table.name, table.columns[sort.column].name, sort.direction, sort.nulls)
        })
        .collect();
    let filter = if list.filter.is_empty() { String::new() } else { format!("{:?}", list.filter) };
    let bound = format!("{}\0{order:?}\0{filter}", list.place);
    xxh3_64(bound.as_bytes())
}

/// Encodes the cursor of a row with these sort values and this primary key, in a list bound to `binding`.
#[must_use]
pub fn encode<'a>(binding: u64, values: impl Iterator<Item = &'a Value>) -> String {
    let mut payload = Vec::with_capacity(64);
    for value in values {
        put(&mut payload, value);
    }
    let mut bytes = Vec::with_capacity(payload.len() + 9);
    bytes.push(VERSION);
    bytes.extend_from_slice(&xxh3_64_with_seed(&payload, binding).to_le_bytes());
    bytes.extend_from_slice(&payload);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the values of a cursor.
///
/// # Errors
/// [`Error::BadCursor`].
pub fn decode(text: &str, field: &'static str, binding: u64, list: &List) -> Result<Vec<Value>> {
    let kinds = list
        .order
        .iter()
        .map(|sort| list.table_of(sort.of).columns[sort.column].kind)
        .chain([Kind::BigInt]);
    decode_values(text, field, binding, &kinds.collect::<Vec<_>>())
}

/// Decodes a cursor that contains one value of each of these kinds, with the primary key last.
///
/// # Errors
/// [`Error::BadCursor`].
pub fn decode_values(
    text: &str,
    field: &'static str,
    binding: u64,
    kinds: &[Kind],
) -> Result<Vec<Value>> {
    let refuse = |message| Error::BadCursor { field, message };
    if text.len() > MAX_CURSOR_LENGTH {
        return Err(refuse("the cursor is too long"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse("unknown cursor format"))?;
    let (head, payload) = bytes.split_at_checked(9).ok_or(refuse("the cursor is truncated"))?;
    if head[0] != VERSION {
        return Err(refuse("unknown cursor format"));
    }
    if head[1..] != xxh3_64_with_seed(payload, binding).to_le_bytes() {
        return Err(refuse(
            "the cursor was issued for another field, parent, order or filter, or was modified",
        ));
    }
    let mut rest = payload;
    let mut values = Vec::with_capacity(kinds.len());
    while !rest.is_empty() {
        values.push(take(&mut rest).ok_or(refuse("the cursor is truncated"))?);
    }
    let fits = values.len() == kinds.len()
        && values.iter().zip(kinds).all(|(value, kind)| fits(value, *kind))
        && values.last().is_some_and(|id| *id != Value::Null);
    if fits { Ok(values) } else { Err(refuse("the values don't match the sort keys of this list")) }
}

/// Whether a value is valid for a column of `kind`. Invalid values must not reach the database.
fn fits(value: &Value, kind: Kind) -> bool {
    match (value, kind) {
        (Value::Null, _)
        | (Value::Bool(_), Kind::Bool)
        | (Value::Double(_), Kind::Double)
        | (Value::Int(_), Kind::BigInt) => true,
        (Value::Int(number), Kind::Int) => i32::try_from(*number).is_ok(),
        (Value::Text(text), Kind::Text) => !text.contains('\0'),
        (Value::Time(time), Kind::Time) => (0..=9_999).contains(&time.year()),
        _ => false,
    }
}

fn put(bytes: &mut Vec<u8>, value: &Value) {
    let (tag, fixed) = match value {
        // JSON columns are not sortable.
        Value::Null | Value::Json(_) => return bytes.push(0),
        Value::Bool(v) => return bytes.extend_from_slice(&[1, u8::from(*v)]),
        Value::Int(v) => (2, v.to_le_bytes()),
        Value::Double(v) => (3, v.to_le_bytes()),
        Value::Time(v) => (4, v.timestamp_micros().to_le_bytes()),
        Value::Text(v) => {
            // No sortable column holds text longer than this.
            let length = u16::try_from(v.len()).unwrap_or(u16::MAX);
            bytes.push(5);
            bytes.extend_from_slice(&length.to_le_bytes());
            return bytes.extend_from_slice(&v.as_bytes()[..length.into()]);
        }
    };
    bytes.push(tag);
    bytes.extend_from_slice(&fixed);
}

fn take(bytes: &mut &[u8]) -> Option<Value> {
    let (tag, rest) = bytes.split_first()?;
    *bytes = rest;
    let mut fixed = || {
        let (eight, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        Some(*eight)
    };
    Some(match tag {
        0 => Value::Null,
        1 => {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            Value::Bool(*byte != 0)
        }
        2 => Value::Int(i64::from_le_bytes(fixed()?)),
        3 => Value::Double(f64::from_le_bytes(fixed()?)),
        4 => Value::Time(DateTime::from_timestamp_micros(i64::from_le_bytes(fixed()?))?),
        5 => {
            let (length, rest) = bytes.split_first_chunk::<2>()?;
            let (text, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
            *bytes = rest;
            Value::Text(std::str::from_utf8(text).ok()?.to_owned())
        }
        _ => return None,
    })
}

/// Checks that decoding and encoding round-trip. For the fuzzer: `payload` is given the correct checksum, which a
/// random input would never have. `table` has the columns `full_name`, `last_contacted_at`, `is_active` and
/// `revision`.
#[cfg(fuzzing)]
pub fn fuzz(table: &'static crate::Table, payload: &[u8]) {
    use super::plan::{Direction, Nulls, Sort};

    let mut list = List::new(table, "fuzz".to_owned());
    for name in ["full_name", "last_contacted_at", "is_active", "revision"] {
        let column = table.column_named(name);
        let (direction, nulls) = (Direction::Ascending, Nulls::Last);
        list.order.push(Sort { of: 0, column, direction, nulls });
    }
    if let Ok(text) = std::str::from_utf8(payload) {
        let _ = decode(text, "after", 7, &list);
    }
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&xxh3_64_with_seed(payload, 7).to_le_bytes());
    bytes.extend_from_slice(payload);
    let text = URL_SAFE_NO_PAD.encode(bytes);
    if let Ok(values) = decode(&text, "after", 7, &list) {
        let again = encode(7, values.iter());
        let values_again =
            decode(&again, "after", 7, &list).expect("an encoded cursor can be decoded");
        // Compared as text, because NaN is not equal to itself.
        assert_eq!(format!("{values:?}"), format!("{values_again:?}"));
    }
}

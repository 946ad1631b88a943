//! Global ids: the type and the key, readable: `Prospect:42`.

use async_graphql::Value;

use super::declaration::Entity;
use crate::{
    error::{Error, Result},
    text,
};

/// The global id of a row.
#[must_use]
pub fn global(entity: &Entity, key: i64) -> Value {
    Value::String(format!("{}:{key}", entity.name))
}

/// Writes the global id of a row as JSON.
pub fn write(out: &mut Vec<u8>, entity: &Entity, key: i64) {
    out.push(b'"');
    out.extend_from_slice(entity.name.as_bytes());
    out.push(b':');
    text::plain(out, &key);
    out.push(b'"');
}

/// The key in an id of `entity`, which may be global or, since the type is known, a bare key.
/// `None` when it can't be the id of any row.
#[must_use]
pub fn key(entity: &Entity, id: &str) -> Option<i64> {
    let key = match id.split_once(':') {
        Some((name, key)) if name == entity.name => key,
        Some(_) => return None,
        None => id,
    };
    // Only as we write it: no sign, no leading zero, so that one row has one id.
    if key.is_empty() || key.starts_with('0') || !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    key.parse().ok()
}

/// As [`key`], for arguments in which an id that can't be one is a mistake worth telling.
///
/// # Errors
/// `INVALID`, with the form that ids have.
pub fn expect_key(entity: &Entity, id: &str, field: &str) -> Result<i64> {
    key(entity, id).ok_or_else(|| {
        Error::invalid(
            service::Reason::IdInvalid,
            field,
            format!("`{field}` takes the id of a {0}: `{0}:` and its key, or the key", entity.name),
        )
    })
}

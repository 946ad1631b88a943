//! Global IDs in readable form: the type and the primary key, e.g. `Prospect:42`.

use async_graphql::Value;

use super::declaration::Entity;
use crate::{
    error::{Error, Result},
    json_text,
};

/// The global ID of a row.
#[must_use]
pub fn global(entity: &Entity, key: i64) -> Value {
    Value::String(format!("{}:{key}", entity.name))
}

/// Writes the global ID of a row as JSON.
pub fn write(out: &mut Vec<u8>, entity: &Entity, key: i64) {
    out.push(b'"');
    out.extend_from_slice(entity.name.as_bytes());
    out.push(b':');
    json_text::plain(out, &key);
    out.push(b'"');
}

/// The primary key in an ID of `entity`. Both a global ID and, because the type is known, a plain primary key are
/// accepted. `None` if `id` is not a valid ID.
#[must_use]
pub fn key(entity: &Entity, id: &str) -> Option<i64> {
    let key = match id.split_once(':') {
        Some((name, key)) if name == entity.name => key,
        Some(_) => return None,
        None => id,
    };
    // Only the canonical form is accepted (no sign, no leading zero), so that each row has exactly one ID.
    if key.is_empty() || key.starts_with('0') || !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    key.parse().ok()
}

/// Like [`key`], but an invalid ID is an error.
///
/// # Errors
/// `INVALID`, with the expected form of IDs.
pub fn expect_key(entity: &Entity, id: &str, field: &str) -> Result<i64> {
    key(entity, id).ok_or_else(|| {
        Error::invalid(
            engine::Reason::IdInvalid,
            field,
            format!(
                "`{field}` must be a {0} ID: `{0}:` and the primary key, or the key alone",
                entity.name
            ),
        )
    })
}

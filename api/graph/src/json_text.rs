//! JSON encoding of responses. Generated resolvers return encoded text: a value tree would cost more than the rows it
//! is built from. The text passes through the library as `Value::Binary`, which this schema does not use otherwise.

use async_graphql::{Response, Value};
use serde::Serialize;

/// Encodes a whole response (<https://spec.graphql.org/October2021/#sec-Response-Format>).
#[must_use]
pub fn response(response: &Response) -> String {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"data\":");
    value(&mut out, &response.data);
    if !response.extensions.is_empty() {
        out.extend_from_slice(b",\"extensions\":");
        plain(&mut out, &response.extensions);
    }
    if !response.errors.is_empty() {
        out.extend_from_slice(b",\"errors\":");
        plain(&mut out, &response.errors);
    }
    out.push(b'}');
    // Only JSON was written, so this is valid UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

/// Encodes a value.
pub fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Binary(json) => out.extend_from_slice(json),
        Value::Object(fields) => {
            let mut next = b'{';
            for (name, field) in fields {
                out.push(next);
                plain(out, name.as_str());
                out.push(b':');
                self::value(out, field);
                next = b',';
            }
            close(out, next, b"{}");
        }
        Value::List(items) => {
            let mut next = b'[';
            for item in items {
                out.push(next);
                self::value(out, item);
                next = b',';
            }
            close(out, next, b"[]");
        }
        other => plain(out, other),
    }
}

/// Closes a list or object, and opens it first if it is empty.
pub fn close(out: &mut Vec<u8>, next: u8, brackets: &[u8; 2]) {
    if next != b',' {
        out.push(brackets[0]);
    }
    out.push(brackets[1]);
}

/// Encodes a value that contains no encoded text.
pub fn plain(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing to memory cannot fail for these types.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.extend_from_slice(b"null");
    }
}

//! Answers as the JSON text that is sent. What follows from declarations is text already when it leaves its
//! resolver: a tree of values would cost more than the rows it is made of. It travels through the library as
//! `Value::Binary`, which nothing else in this schema is.

use async_graphql::{Response, Value};
use serde::Serialize;

/// The text of a whole response (<https://spec.graphql.org/October2021/#sec-Response-Format>).
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
    // Only JSON was written.
    String::from_utf8(out).unwrap_or_default()
}

/// Writes a value.
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

/// Ends a list or an object, which has not begun yet when it has nothing in it.
pub fn close(out: &mut Vec<u8>, next: u8, brackets: &[u8; 2]) {
    if next != b',' {
        out.push(brackets[0]);
    }
    out.push(brackets[1]);
}

/// Writes what holds no text written already.
pub fn plain(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Nothing that is told here can fail to be written into memory.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.extend_from_slice(b"null");
    }
}

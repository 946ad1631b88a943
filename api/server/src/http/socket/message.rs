//! The messages of graphql-transport-ws
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use serde_json::{Map, Value, json};

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// `connection_init` with its payload.
    Init(Map<String, Value>),
    /// An operation with the ID chosen by the client.
    Subscribe(String, Map<String, Value>),
    /// The end of the operation with this ID, requested by the client.
    Complete(String),
    /// A ping with an optional payload.
    Ping(Option<Value>),
    /// A pong.
    Pong,
}

/// Parses a message.
///
/// # Errors
/// The reason, short enough for a close frame.
pub(super) fn read(text: &str) -> Result<Said, &'static str> {
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
        return Err("messages must be JSON objects");
    };
    let payload = message.remove("payload");
    let object = |payload: Option<Value>| match payload {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err("`payload` must be an object"),
    };
    let id = || match message.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        _ => Err("`id` must be a non-empty string"),
    };
    match message.get("type").and_then(Value::as_str) {
        Some("connection_init") => Ok(Said::Init(object(payload)?.unwrap_or_default())),
        Some("ping") => Ok(Said::Ping(object(payload)?.map(Value::Object))),
        Some("pong") => object(payload).map(|_| Said::Pong),
        Some("complete") => Ok(Said::Complete(id()?)),
        Some("subscribe") => {
            let id = id()?;
            let fields = object(payload)?.ok_or("`payload` must have a `query`")?;
            let text = |name: &str| fields.get(name).is_none_or(|v| v.is_string() || v.is_null());
            let map = |name: &str| fields.get(name).is_none_or(|v| v.is_object() || v.is_null());
            let by_hash =
                fields.get("extensions").is_some_and(|e| e.get("persistedQuery").is_some());
            if !by_hash && !fields.get("query").is_some_and(Value::is_string) {
                return Err("`payload.query` must be a string");
            }
            if !text("operationName") || !map("variables") || !map("extensions") {
                return Err("`payload` has fields of the wrong type");
            }
            Ok(Said::Subscribe(id, fields))
        }
        Some(_) => Err("`type` is not a valid client message type"),
        None => Err("`type` must be a string"),
    }
}

/// A message with an ID and a payload that is already encoded as JSON.
pub(super) fn with_payload(kind: &str, id: &str, payload: &str) -> String {
    format!(r#"{{"id":{},"type":"{kind}","payload":{payload}}}"#, json!(id))
}

/// A `complete` message.
pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

/// A pong with the payload of its ping.
pub(super) fn pong(payload: Option<Value>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, read};

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "\"ping\"",
            "{}",
            r#"{"type":null}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"ping","payload":[]}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":null}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read(r#"{"type":"ping"}"#), Ok(Said::Ping(None)));
        assert_eq!(read(r#"{"type":"complete","id":"a"}"#), Ok(Said::Complete("a".to_owned())));
    }
}

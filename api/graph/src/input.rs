//! The arguments of a field, with variables substituted and omitted values distinguished from null.

use std::sync::Arc;

use async_graphql::{Context, Value, parser::types::Field};
use engine::{
    read::Zone,
    write::{IdempotentRequest, idempotency},
};
use indexmap::IndexMap;

use crate::error::{Error, Result};

/// A value as written in a document, which may contain variables.
type Written = async_graphql_value::Value;

/// The arguments of `field` with the variables of the request substituted. Omitted arguments, and those whose
/// variable is omitted, are not included.
pub fn arguments(context: &Context<'_>, field: &Field) -> IndexMap<String, Value> {
    let resolve = |value: &Written| constant(context, value);
    field
        .arguments
        .iter()
        .filter_map(|(name, value)| Some((name.node.to_string(), resolve(&value.node)?)))
        .collect()
}

fn constant(context: &Context<'_>, value: &Written) -> Option<Value> {
    Some(match value {
        Written::Variable(name) => {
            let request = context.query_env;
            return request.variables.get(name).cloned().or_else(|| {
                let definitions = &request.operation.node.variable_definitions;
                let definition = definitions.iter().find(|one| one.node.name.node == *name)?;
                // `default_value()` is not used, because it turns an omitted variable into null.
                definition.node.default_value.as_ref().map(|value| value.node.clone())
            });
        }
        Written::Null => Value::Null,
        Written::Number(number) => Value::Number(number.clone()),
        Written::String(text) => Value::String(text.clone()),
        Written::Boolean(value) => Value::Boolean(*value),
        Written::Binary(bytes) => Value::Binary(bytes.clone()),
        Written::Enum(name) => Value::Enum(name.clone()),
        // An omitted variable becomes null in a list; in an object, the field is omitted.
        Written::List(items) => Value::List(
            items.iter().map(|item| constant(context, item).unwrap_or(Value::Null)).collect(),
        ),
        Written::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), constant(context, field)?)))
                .collect(),
        ),
    })
}

/// The integer argument `name`; `None` if it is omitted or null.
///
/// # Errors
/// `INVALID` if the argument is not an integer.
pub fn whole(arguments: &IndexMap<String, Value>, name: &str) -> Result<Option<i64>> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64()),
        Some(_) => Err(Error::invalid(
            engine::Reason::ValueInvalid,
            name,
            format!("`{name}` must be an integer"),
        )),
    }
}

/// The string argument `name`; `None` if it is omitted or null. An ID may be passed as a number.
///
/// # Errors
/// `INVALID` if the argument is neither a string nor a number.
pub fn text(arguments: &IndexMap<String, Value>, name: &str) -> Result<Option<String>> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => id_text(value, name).map(Some),
    }
}

/// The idempotency key of the mutation of `context` (input field `idempotencyKey`), with a hash of the other input
/// fields.
///
/// # Errors
/// `INVALID` if the input can't be represented as JSON.
pub fn once(context: &Context<'_>) -> Result<Option<IdempotentRequest>> {
    let arguments = arguments(context, &context.item.node);
    let Some(Value::Object(input)) = arguments.get("input") else { return Ok(None) };
    let key = match input.get("idempotencyKey") {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => id_text(value, "idempotencyKey")?,
    };
    let mut rest = input.clone();
    rest.shift_remove("idempotencyKey");
    let rest = sorted(Value::Object(rest));
    let json = serde_json::to_string(&rest).map_err(|error| Error::internal(error.to_string()))?;
    let mutation = context.item.node.name.node.to_string();
    Ok(Some(IdempotentRequest { mutation, key, input_hash: idempotency::hash(&json) }))
}

/// Sorts the fields of every object, so that the hash does not depend on their order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
            Value::Object(fields.into_iter().collect())
        }
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// A string, or a number as a string: the two forms of an `ID`.
///
/// # Errors
/// `INVALID` if the value is neither a string nor a number.
pub fn id_text(value: &Value, name: &str) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_i64() => Ok(number.to_string()),
        _ => Err(Error::invalid(
            engine::Reason::ValueInvalid,
            name,
            format!("`{name}` must be a string"),
        )),
    }
}

/// The name of an enum value. A value from a variable is a string.
#[must_use]
pub fn enum_text(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(name) => Some(name.as_str()),
        Value::String(name) => Some(name),
        _ => None,
    }
}

/// The time zone `name`, the value of the argument at `path`.
///
/// # Errors
/// `INVALID` if the time zone is unknown.
pub fn time_zone(name: &str, path: &str) -> Result<Arc<Zone>> {
    Zone::named(name).ok_or_else(|| {
        let message = format!("`{path}` must be an IANA time zone name, e.g. `Europe/Berlin`");
        Error::invalid(engine::Reason::TimeZoneUnknown, path, message)
    })
}

/// The items of a list. A single value is coerced to a list, as required by the GraphQL specification.
#[must_use]
pub fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

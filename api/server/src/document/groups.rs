//! The maximum number of groups for group keys with a small number of values: enums, Booleans and cyclic time buckets.

use async_graphql::Variables;
use async_graphql_value::{ConstValue, Value};

use super::schema_index::{SchemaIndex, TypeShape};

/// The maximum number of groups of the type `groups` for the group keys `by`; `None` if a key has no such limit.
/// Null counts as a value.
pub(super) fn combinations(
    shape: &SchemaIndex,
    groups: &str,
    by: Option<&Value>,
    variables: &Variables,
) -> Option<u64> {
    let entity = groups.strip_suffix("Groups")?;
    let by = match by? {
        Value::Variable(name) => variables.get(name)?.clone(),
        // If a group key contains a variable, its number of values is unknown.
        other => other.clone().into_const()?,
    };
    let items = match &by {
        ConstValue::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut values = items.iter().map(|item| values(shape, &format!("{entity}GroupKey"), item));
    values.try_fold(1_u64, |product, values| Some(product.saturating_mul(values?)))
}

/// The number of values of a group key, which is a field of the type `ty`.
fn values(shape: &SchemaIndex, ty: &str, key: &ConstValue) -> Option<u64> {
    let ConstValue::Object(fields) = key else { return None };
    let (name, inner) = fields.iter().next()?;
    let field = shape.object(ty)?.field(name)?;
    match (shape.ty(&field.ty), inner) {
        (Some(TypeShape::Object(_)), deeper) => values(shape, &field.ty, deeper),
        (Some(TypeShape::Enum(values)), _) => Some(values.len() as u64 + 1),
        (_, ConstValue::Enum(bucket)) => few(bucket.as_str(), &field.ty),
        (_, ConstValue::String(bucket)) => few(bucket, &field.ty),
        _ => None,
    }
}

fn few(bucket: &str, ty: &str) -> Option<u64> {
    match (bucket, ty) {
        ("WEEKDAY", _) => Some(8),
        ("HOUR_OF_DAY", _) => Some(25),
        (_, "Boolean") => Some(3),
        _ => None,
    }
}

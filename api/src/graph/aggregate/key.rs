//! Group keys: the dimensions of an entity, and those that an operation groups by.

use async_graphql::{Name, Value};
use service::{Reason, read::Bucket};

use super::super::declaration::{Entity, Field, Gives, Scalar};
use crate::error::{Error, Result};

/// The maximum number of relations between a row and a column that it is grouped by. Each is a join; the query cost
/// counts them too.
const MAX_RELATIONS: usize = 10;

/// A group key: a column of the row, or of a row that to-one relations lead to.
#[derive(Clone)]
pub struct Key {
    /// The to-one relations on the way to the row that has the column.
    pub path: Vec<Hop>,
    /// The field of that row.
    pub field: &'static Field,
    /// The column of that row.
    pub column: usize,
    /// The format of its values.
    pub format: KeyFormat,
}

/// A to-one relation.
#[derive(Clone, Copy)]
pub struct Hop {
    /// Its field.
    pub name: &'static str,
    /// The column with the reference.
    pub via: usize,
    /// The entity that it references.
    pub to: &'static Entity,
}

/// The format of the values of a group key.
#[derive(Clone, Copy)]
pub enum KeyFormat {
    /// The global ID of a row.
    Id(&'static Entity),
    /// A value.
    Value(Scalar),
    /// The name of a time bucket.
    Bucket(Bucket),
}

/// A field as a dimension: what can follow it in `by`.
pub(super) enum Dimension {
    /// Values of a column.
    Value {
        /// The column.
        column: usize,
        /// The format of its values.
        format: KeyFormat,
    },
    /// Time buckets of a column.
    Time {
        /// The column.
        column: usize,
    },
    /// A dimension of the row that a column references.
    Relation(Hop),
}

/// The dimension that a field is; `None` when rows can't be grouped by it.
pub(super) fn dimension(entity: &'static Entity, field: &'static Field) -> Option<Dimension> {
    match field.gives {
        Gives::Reference { column, to, .. } => {
            Some(Dimension::Value { column, format: KeyFormat::Id(to()) })
        }
        Gives::One { via, to, .. } => {
            Some(Dimension::Relation(Hop { name: &field.name, via, to: to() }))
        }
        Gives::Column { column, scalar, .. } => match scalar {
            Scalar::DateTime => Some(Dimension::Time { column }),
            Scalar::String if entity.table.columns[column].length.is_none() => None,
            Scalar::Int if field.name == "revision" => None,
            Scalar::String | Scalar::Boolean | Scalar::Int | Scalar::Enum(_) => {
                Some(Dimension::Value { column, format: KeyFormat::Value(scalar) })
            }
            Scalar::Float | Scalar::Json => None,
        },
        _ => None,
    }
}

impl Key {
    /// Reads an item of `by`.
    ///
    /// # Errors
    /// `INVALID`, with the path of the field.
    pub(super) fn read(entity: &'static Entity, value: &Value) -> Result<Self> {
        let (mut entity, mut value) = (entity, value);
        let mut path: Vec<Hop> = Vec::new();
        loop {
            let Some((name, inner)) = only(value) else {
                return Err(invalid(
                    "each item of `by` has exactly one field; write several keys as a list",
                ));
            };
            let known =
                entity.field(name).and_then(|field| Some((field, dimension(entity, field)?)));
            let Some((field, dimension)) = known else {
                return Err(invalid(&format!("{} can't be grouped by `{name}`", entity.plural)));
            };
            let (column, format) = match dimension {
                Dimension::Relation(hop) => {
                    path.push(hop);
                    if path.len() > MAX_RELATIONS {
                        let message =
                            format!("a group key goes along at most {MAX_RELATIONS} relations");
                        return Err(Error::invalid(Reason::OperationTooComplex, "by", message));
                    }
                    (entity, value) = (hop.to, inner);
                    continue;
                }
                Dimension::Value { column, format } => (column, format),
                Dimension::Time { column } => match bucket(inner) {
                    Some(bucket) => (column, KeyFormat::Bucket(bucket)),
                    None => {
                        return Err(invalid(&format!(
                            "`{name}` takes a time bucket, like `MONTH`"
                        )));
                    }
                },
            };
            return Ok(Self { path, field, column, format });
        }
    }

    /// The bucket of its time.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        match self.format {
            KeyFormat::Bucket(bucket) => Some(bucket),
            KeyFormat::Id(_) | KeyFormat::Value(_) => None,
        }
    }

    /// Whether it is the key of the field `name`, along the relations `path`, with this bucket.
    pub(super) fn is(&self, path: &[&str], name: &str, bucket: Option<Bucket>) -> bool {
        self.field.name == name
            && self.bucket() == bucket
            && self.path.iter().map(|hop| hop.name).eq(path.iter().copied())
    }

    /// Whether both are the same key.
    pub(super) fn same(&self, other: &Self) -> bool {
        let path: Vec<&str> = other.path.iter().map(|hop| hop.name).collect();
        self.is(&path, &other.field.name, other.bucket())
    }

    /// Its path as a client writes it: `prospect.company.name`.
    pub(super) fn name(&self) -> String {
        let path = self.path.iter().map(|hop| hop.name).chain([self.field.name.as_str()]);
        path.collect::<Vec<_>>().join(".")
    }
}

/// The time bucket that an enum value names.
pub(super) fn bucket(value: &Value) -> Option<Bucket> {
    let name = match value {
        Value::Enum(name) => name.as_str(),
        Value::String(name) => name,
        _ => return None,
    };
    Bucket::ALL.into_iter().find(|bucket| enum_name(*bucket) == name)
}

/// The value of the enum `TimeBucket`.
pub(super) fn enum_name(bucket: Bucket) -> String {
    bucket.unit().to_ascii_uppercase()
}

/// The one field of an object.
pub(super) fn only(value: &Value) -> Option<(&Name, &Value)> {
    match value {
        Value::Object(fields) if fields.len() == 1 => fields.first(),
        _ => None,
    }
}

fn invalid(message: &str) -> Error {
    Error::invalid(Reason::GroupKeyInvalid, "by", message)
}

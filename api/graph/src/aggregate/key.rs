//! Group keys: the dimensions of an entity, and the keys that an operation groups by.

use async_graphql::{Name, Value};
use engine::{Reason, read::Bucket};

use super::super::{
    declaration::{Entity, Field, FieldKind, Scalar},
    input,
};
use crate::error::{Error, Result};

/// Maximum number of relations between a row and a column that it is grouped by. Each relation is a join,
/// which also adds to the query cost.
const MAX_RELATIONS: usize = 10;

/// A group key: a column of the row, or of a row that is reached through to-one relations.
#[derive(Clone)]
pub struct Key {
    /// The to-one relations from the row to the row that has the column.
    pub path: Vec<Hop>,
    /// The field of the column.
    pub field: &'static Field,
    /// The position of the column in its table.
    pub column: usize,
    /// The format of the values.
    pub format: KeyFormat,
}

/// A to-one relation.
#[derive(Clone, Copy)]
pub struct Hop {
    /// The field name.
    pub name: &'static str,
    /// The foreign key column.
    pub via: usize,
    /// The referenced entity.
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

/// A field as a dimension: what may be nested below the field in `by`.
pub(crate) enum Dimension {
    /// Values of a column.
    Value {
        /// The column position.
        column: usize,
        /// The format of the values.
        format: KeyFormat,
    },
    /// Time buckets of a column.
    Time {
        /// The column position.
        column: usize,
    },
    /// A dimension of the referenced row.
    Relation(Hop),
}

/// The dimension of a field; `None` if rows can't be grouped by it.
pub(crate) fn dimension(entity: &'static Entity, field: &'static Field) -> Option<Dimension> {
    match field.gives {
        FieldKind::Reference { column, to, .. } => {
            Some(Dimension::Value { column, format: KeyFormat::Id(to()) })
        }
        FieldKind::One { via, to, .. } => {
            Some(Dimension::Relation(Hop { name: &field.name, via, to: to() }))
        }
        FieldKind::Column { column, scalar, .. } => match scalar {
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
    pub(crate) fn read(entity: &'static Entity, value: &Value) -> Result<Self> {
        let (mut entity, mut value) = (entity, value);
        let mut path: Vec<Hop> = Vec::new();
        loop {
            let Some((name, inner)) = only(value) else {
                return Err(invalid(
                    "each item of `by` must have exactly one field; pass several group keys as a list",
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
                            format!("a group key may span at most {MAX_RELATIONS} relations");
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
                            "`{name}` must be a time bucket, e.g. `MONTH`"
                        )));
                    }
                },
            };
            return Ok(Self { path, field, column, format });
        }
    }

    /// The time bucket, if the key has one.
    pub(crate) fn bucket(&self) -> Option<Bucket> {
        match self.format {
            KeyFormat::Bucket(bucket) => Some(bucket),
            KeyFormat::Id(_) | KeyFormat::Value(_) => None,
        }
    }

    /// Whether this is the key of the field `name`, reached through `path`, with this bucket.
    pub(crate) fn is(&self, path: &[&str], name: &str, bucket: Option<Bucket>) -> bool {
        self.field.name == name
            && self.bucket() == bucket
            && self.path.iter().map(|hop| hop.name).eq(path.iter().copied())
    }

    /// Whether both keys are equal.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let path: Vec<&str> = other.path.iter().map(|hop| hop.name).collect();
        self.is(&path, &other.field.name, other.bucket())
    }

    /// Whether both keys refer to the same column.
    pub(crate) fn has_column_of(&self, other: &Self) -> bool {
        self.name() == other.name()
    }

    /// The path of the key as written in a query: `prospect.company.name`.
    pub(crate) fn name(&self) -> String {
        let path = self.path.iter().map(|hop| hop.name).chain([self.field.name.as_str()]);
        path.collect::<Vec<_>>().join(".")
    }
}

/// The time bucket of a `TimeBucket` enum value.
pub(crate) fn bucket(value: &Value) -> Option<Bucket> {
    let name = input::enum_text(value)?;
    Bucket::ALL.into_iter().find(|bucket| enum_name(*bucket) == name)
}

/// The `TimeBucket` enum value of a time bucket.
pub(crate) fn enum_name(bucket: Bucket) -> String {
    bucket.unit().to_ascii_uppercase()
}

/// The single field of an object.
pub(crate) fn only(value: &Value) -> Option<(&Name, &Value)> {
    match value {
        Value::Object(fields) if fields.len() == 1 => fields.first(),
        _ => None,
    }
}

fn invalid(message: &str) -> Error {
    Error::invalid(Reason::GroupKeyInvalid, "by", message)
}

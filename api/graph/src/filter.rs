//! Converts a filter argument to the filter of the service.

use async_graphql::Value;
use engine::{
    Value as Cell,
    read::{Filter, Quantifier, Test},
};

use super::{
    cyclic,
    declaration::{Entity, Field, FieldKind, Scalar},
    id, input, scalar,
};
use crate::error::{Error, Result};

/// Maximum number of values of `in` or `notIn`.
const MAX_VALUES: usize = 1_000;

/// Maximum nesting depth of filters.
const MAX_DEPTH: usize = 20;

/// Maximum number of conditions of one filter: SQLite limits the depth of expressions to 1,000.
const MAX_CONDITIONS: usize = 500;

/// Reads a filter of `entity`.
///
/// # Errors
/// `INVALID`, with the field and the accepted values.
pub fn read(entity: &'static Entity, value: &Value) -> Result<Filter> {
    let mut conditions = 0;
    let filter = object(entity, value, "filter", 0, &mut conditions)?;
    if conditions > MAX_CONDITIONS {
        let message = format!("`filter` must have at most {MAX_CONDITIONS} conditions");
        return Err(Error::invalid(engine::Reason::FilterTooLarge, "filter", message));
    }
    Ok(filter)
}

/// Reads the `entities` argument of the change log, which may be null.
///
/// # Errors
/// `INVALID` if the argument is not a list of entities.
pub fn entities(log: &'static Entity, value: &Value) -> Result<Filter> {
    let Some(FieldKind::Column { column, scalar, .. }) =
        log.field("entity").map(|field| &field.gives)
    else {
        return Err(Error::internal("the change log has no `entity` field"));
    };
    if input::items(value).is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let words = input::items(value).iter().map(|item| scalar::input(item, *scalar, "entities"));
    Ok(Filter::Column(*column, Test::In(words.collect::<Result<_>>()?)))
}

fn object(
    entity: &'static Entity,
    value: &Value,
    path: &str,
    depth: usize,
    conditions: &mut usize,
) -> Result<Filter> {
    *conditions += 1;
    if depth > MAX_DEPTH {
        return Err(Error::invalid(
            engine::Reason::FilterTooLarge,
            path,
            format!("filters must not be nested more than {MAX_DEPTH} levels deep"),
        ));
    }
    let Value::Object(parts) = value else {
        return match value {
            Value::Null if depth == 0 => Ok(Filter::All(Vec::new())),
            Value::Null => Err(null(path)),
            _ => Err(Error::invalid(
                engine::Reason::ValueInvalid,
                path,
                format!("`{path}` must be an object"),
            )),
        };
    };
    let mut all = Vec::with_capacity(parts.len());
    for (name, value) in parts {
        let path = format!("{path}.{name}");
        if *value == Value::Null {
            let field =
                entity.field(name).filter(|field| matches!(field.gives, FieldKind::One { .. }));
            return Err(field.map_or_else(|| null(&path), |_| null_relation(&path, name)));
        }
        let mut list = || {
            let items = input::items(value).iter();
            let items = items.map(|item| object(entity, item, &path, depth + 1, conditions));
            items.collect::<Result<Vec<_>>>()
        };
        all.push(match name.as_str() {
            "and" => Filter::All(list()?),
            "or" => Filter::Any(list()?),
            "not" => Filter::Not(Box::new(object(entity, value, &path, depth + 1, conditions)?)),
            name => {
                let field = entity.field(name).ok_or_else(|| unknown(&path))?;
                of_field(entity, field, value, &path, depth, conditions)?
            }
        });
    }
    Ok(Filter::All(all))
}

fn of_field(
    entity: &'static Entity,
    field: &Field,
    value: &Value,
    path: &str,
    depth: usize,
    conditions: &mut usize,
) -> Result<Filter> {
    match &field.gives {
        FieldKind::Id => tests(entity.table.id(), value, path, &OperandType::Key(entity)),
        FieldKind::Column { column, scalar, .. } => {
            tests(*column, value, path, &OperandType::Scalar(*scalar))
        }
        FieldKind::Reference { column, to, .. } => {
            tests(*column, value, path, &OperandType::Key(to()))
        }
        FieldKind::One { via, to, .. } => {
            let filter = Box::new(object(to(), value, path, depth + 1, conditions)?);
            Ok(Filter::ToOne { via: *via, table: to().table, filter })
        }
        FieldKind::Many { link, to } => {
            let Value::Object(parts) = value else {
                return Err(Error::invalid(
                    engine::Reason::ValueInvalid,
                    path,
                    format!("`{path}` must be an object"),
                ));
            };
            let (table, link) = (to().table, link.link(to().table));
            let parts = parts.iter().map(|(name, value)| {
                let path = format!("{path}.{name}");
                let quantifier = match name.as_str() {
                    "some" => Quantifier::Some,
                    "none" => Quantifier::None,
                    "every" => Quantifier::Every,
                    _ => return Err(unknown(&path)),
                };
                if *value == Value::Null {
                    return Err(null(&path));
                }
                let filter = Box::new(object(to(), value, &path, depth + 1, conditions)?);
                Ok(Filter::ToMany { link, table, quantifier, filter })
            });
            Ok(Filter::All(parts.collect::<Result<_>>()?))
        }
        FieldKind::Newest { .. } | FieldKind::History | FieldKind::Computed { .. } => {
            Err(unknown(path))
        }
    }
}

/// The operand type of a condition.
enum OperandType {
    Key(&'static Entity),
    Scalar(Scalar),
}

/// The operators of filters with their descriptions.
pub const TESTS: [(&str, &str); 14] = [
    ("eq", "Equal."),
    ("ne", "Not equal; null matches."),
    ("in", "One of these values. Maximum: 1,000."),
    ("notIn", "None of these values; null matches. Maximum: 1,000."),
    ("lt", "Less than this value."),
    ("lte", "Less than or equal to this value."),
    ("gt", "Greater than this value."),
    ("gte", "Greater than or equal to this value."),
    ("contains", "Contains this text; `%` and `_` are literal."),
    ("startsWith", "Starts with this text; `%` and `_` are literal."),
    ("endsWith", "Ends with this text; `%` and `_` are literal."),
    (
        "has",
        "JSON list that contains this text or number, or JSON object with this key; case-sensitive.",
    ),
    ("cyclic", "On this day of the week, at this hour of the day."),
    ("isNull", "Null (true) or not null (false)."),
];

/// Whether the operator `test` applies to values of the GraphQL type `ty`.
#[must_use]
pub fn offers(ty: &str, test: &str) -> bool {
    match test {
        "eq" | "ne" => ty != "JSON",
        "in" | "notIn" => !matches!(ty, "JSON" | "Boolean"),
        "lt" | "lte" | "gt" | "gte" => matches!(ty, "String" | "Int" | "Float" | "DateTime"),
        "contains" | "startsWith" | "endsWith" => ty == "String",
        "has" => ty == "JSON",
        "cyclic" => ty == "DateTime",
        other => other == "isNull",
    }
}

impl OperandType {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Key(_) => "ID",
            Self::Scalar(scalar) => scalar::type_name(*scalar),
        }
    }

    fn cell(&self, value: &Value, path: &str) -> Result<Cell> {
        match self {
            Self::Key(entity) => {
                Ok(Cell::Int(id::expect_key(entity, &input::id_text(value, path)?, path)?))
            }
            Self::Scalar(scalar) => scalar::input(value, *scalar, path),
        }
    }
}

fn tests(column: usize, value: &Value, path: &str, takes: &OperandType) -> Result<Filter> {
    let Value::Object(parts) = value else {
        return Err(Error::invalid(
            engine::Reason::ValueInvalid,
            path,
            format!("`{path}` must be an object"),
        ));
    };
    let parts = parts.iter().map(|(name, value)| {
        let path = format!("{path}.{name}");
        if *value == Value::Null {
            return Err(null(&path));
        }
        if !offers(takes.type_name(), name) {
            return Err(unknown(&path));
        }
        if name == "cyclic" {
            let tests = cyclic::tests(value, &path)?.into_iter();
            return Ok(tests.map(|test| Filter::Column(column, test)).collect());
        }
        let one = || takes.cell(value, &path);
        let many = || {
            let items = input::items(value);
            if items.len() > MAX_VALUES {
                let message = format!("`{path}` must have at most {MAX_VALUES} values");
                return Err(Error::invalid(engine::Reason::TooManyItems, &path, message));
            }
            items.iter().map(|item| takes.cell(item, &path)).collect::<Result<Vec<_>>>()
        };
        let words = || scalar::text_input(&input::id_text(value, &path)?, &path);
        let test = match name.as_str() {
            "eq" => Test::Eq(one()?),
            "ne" => Test::Ne(one()?),
            "in" => Test::In(many()?),
            "notIn" => Test::NotIn(many()?),
            "lt" => Test::Lt(one()?),
            "lte" => Test::Lte(one()?),
            "gt" => Test::Gt(one()?),
            "gte" => Test::Gte(one()?),
            "isNull" => match value {
                Value::Boolean(absent) => Test::IsNull(*absent),
                _ => {
                    return Err(Error::invalid(
                        engine::Reason::ValueInvalid,
                        &path,
                        format!("`{path}` must be true or false"),
                    ));
                }
            },
            "contains" => Test::Contains(words()?),
            "startsWith" => Test::StartsWith(words()?),
            "endsWith" => Test::EndsWith(words()?),
            "has" => Test::Has(words()?),
            _ => return Err(unknown(&path)),
        };
        Ok(vec![Filter::Column(column, test)])
    });
    Ok(Filter::All(parts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()))
}

/// Reads conditions on a value of type `scalar` that is not a column.
///
/// # Errors
/// `INVALID`, with the field and the accepted values.
pub(super) fn tests_of(value: &Value, scalar: Scalar, path: &str) -> Result<Vec<Test>> {
    let Filter::All(tests) = tests(0, value, path, &OperandType::Scalar(scalar))? else {
        return Ok(Vec::new());
    };
    let tests = tests.into_iter().filter_map(|test| match test {
        Filter::Column(_, test) => Some(test),
        _ => None,
    });
    Ok(tests.collect())
}

fn unknown(path: &str) -> Error {
    Error::invalid(
        engine::Reason::FilterFieldUnknown,
        path,
        format!("`{path}` is not a filter condition"),
    )
}

fn null_relation(path: &str, name: &str) -> Error {
    Error::invalid(
        engine::Reason::ValueRequired,
        path,
        format!(
            "`{path}` must not be null; omit it, or use `{name}Id: {{ isNull: true }}` to match null"
        ),
    )
}

/// Null is rejected because it would silently match everything or nothing; the client must be explicit.
fn null(path: &str) -> Error {
    Error::invalid(
        engine::Reason::ValueRequired,
        path,
        format!("`{path}` must not be null; omit it, or use `isNull: true` to match null"),
    )
}

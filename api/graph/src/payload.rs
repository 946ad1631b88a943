//! Mutation payloads: the written rows and the errors of the input.

use async_graphql::{Context, Enum, Name, Number, PathSegment, ServerResult, SimpleObject, Value};
use engine::{Problem, ProblemCode, Reason, record::Record};
use indexmap::IndexMap;

use super::{
    collect::{Sets, collect},
    declaration::{Entity, EnumType, camel, field_type::Vocabulary},
    row,
    scalar::EnumValueOf,
};
use crate::error::Error;

/// An error of the input of a mutation.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// Error code: the category.
    pub code: UserErrorCode,
    /// Reason code, stable; messages may change.
    pub reason: EnumValueOf<ErrorReason>,
    /// Path of the field below `input`, joined by `.`; null if the error does not concern a single field.
    pub field: Option<String>,
    /// Human-readable message: the problem and how to fix it.
    pub message: String,
    /// Index of the item of a batch, from 0; null outside of batches.
    pub index: Option<i32>,
    /// The primary key of the stored row after a revision conflict.
    #[graphql(skip)]
    pub current: Option<i64>,
}

/// The row of a payload: the written row or, after a revision conflict, the stored row.
#[must_use]
pub fn row_to_read(written: Option<i64>, errors: &[UserError]) -> Option<i64> {
    written.or_else(|| errors.iter().find_map(|error| error.current))
}

/// Why the server rejects a request.
#[derive(Clone, Copy, Debug)]
pub enum ErrorReason {}

impl Vocabulary for ErrorReason {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ErrorReason",
            about: "Reason why the server rejected a request: `userErrors.reason`, or `extensions.reason` of errors. Branch on the reason and display the message.",
            words: Reason::WORDS,
        }
    }
}

/// Category of an input error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// The row does not exist in the organization.
    NotFound,
    /// The input is invalid.
    Invalid,
    /// The input conflicts with stored rows.
    Conflict,
}

impl From<Problem> for UserError {
    fn from(problem: Problem) -> Self {
        let code = match problem.code {
            ProblemCode::NotFound => UserErrorCode::NotFound,
            ProblemCode::Invalid => UserErrorCode::Invalid,
            ProblemCode::Conflict => UserErrorCode::Conflict,
        };
        let field = problem.field.map(|field| {
            let parts: Vec<_> = field.split('.').map(camel).collect();
            parts.join(".")
        });
        let index = problem.index.and_then(|index| index.try_into().ok());
        let reason = EnumValueOf::of_static(problem.reason.name());
        Self { code, reason, field, message: problem.message, index, current: problem.current }
    }
}

/// The result of a service function, or the errors of the input. Other errors are returned unchanged.
///
/// # Errors
/// Errors other than input errors.
pub fn outcome<T>(result: engine::Result<T>) -> Result<(Option<T>, Vec<UserError>), Error> {
    let problems = match result {
        Ok(done) => return Ok((Some(done), Vec::new())),
        Err(engine::Error::Refused(problems)) => problems,
        Err(engine::Error::Invalid { reason, field, message }) => {
            vec![Problem::invalid(reason, &field, message)]
        }
        Err(engine::Error::Conflict(reason, message)) => {
            vec![Problem::conflict(reason, "", message)]
        }
        Err(error) => return Err(error.into()),
    };
    Ok((None, problems.into_iter().map(UserError::from).collect()))
}

/// One field of the payload of a CRUD mutation.
pub enum Part {
    /// A row, or null.
    Row(&'static Entity, Option<i64>),
    /// A newly written row.
    Written(&'static Entity, Record),
    /// Rows; null for missing rows.
    Rows(&'static Entity, Vec<Option<i64>>),
    /// A value.
    Value(Value),
}

/// Builds the payload type `name` from its parts, with `userErrors`.
///
/// # Errors
/// If a non-null field of a row has no value.
pub async fn resolve(
    context: &Context<'_>,
    name: &str,
    parts: &[(String, Part)],
    errors: &[UserError],
) -> ServerResult<Value> {
    let field = context.item;
    let root = PathSegment::Field(field.node.response_key().node.to_string());
    let sets = vec![&field.node.selection_set.node];
    let mut payload = IndexMap::new();
    for (key, asked) in collect(name, sets) {
        let asked_name = asked[0].node.name.node.as_str();
        let path = vec![root.clone(), PathSegment::Field(key.to_owned())];
        let part = parts.iter().find(|(known, _)| known == asked_name).map(|(_, part)| part);
        let value = match part {
            Some(Part::Row(entity, id)) => {
                let rows = row::by_keys(context, entity, &asked, &[*id], path, false).await?;
                rows.into_iter().next().unwrap_or_default()
            }
            Some(Part::Written(entity, record)) => {
                row::written(context, entity, &asked, record, path).await?
            }
            Some(Part::Rows(entity, keys)) => {
                Value::List(row::by_keys(context, entity, &asked, keys, path, true).await?)
            }
            Some(Part::Value(value)) => value.clone(),
            None if asked_name == "userErrors" => {
                let sets: Sets<'_> =
                    asked.iter().map(|field| &field.node.selection_set.node).collect();
                Value::List(errors.iter().map(|error| error_value(&sets, error)).collect())
            }
            None => Value::String(name.to_owned()),
        };
        payload.insert(Name::new(key), value);
    }
    Ok(Value::Object(payload))
}

fn error_value(sets: &Sets<'_>, error: &UserError) -> Value {
    let mut object = IndexMap::new();
    for (key, asked) in collect("UserError", sets.clone()) {
        let value = match asked[0].node.name.node.as_str() {
            "code" => async_graphql::InputType::to_value(&error.code),
            "reason" => async_graphql::InputType::to_value(&error.reason),
            "field" => error.field.clone().map_or(Value::Null, Value::String),
            "message" => Value::String(error.message.clone()),
            "index" => error.index.map_or(Value::Null, |index| Value::Number(Number::from(index))),
            _ => Value::String("UserError".to_owned()),
        };
        object.insert(Name::new(key), value);
    }
    Value::Object(object)
}

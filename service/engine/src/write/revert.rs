//! Reverts of changes: columns of a row get their values before a change again, as a new update.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::{
    IdempotentRequest, Input, Unit, idempotency,
    row::{current, patched},
    rules::Rules,
};
use crate::{
    change_log::{self, kind},
    error::{Error, Problem, Result},
    reason::Reason,
    record::Record,
    scope::Scope,
    value::{Kind, Value},
};

/// A change to revert.
#[derive(Clone, Debug)]
pub struct Revert {
    /// The primary key of the entry of the change log.
    pub change: i64,
    /// The columns to revert; `None` for all columns of the change that can be written.
    pub columns: Option<Vec<&'static str>>,
    /// The revision that the row must have.
    pub expected_revision: Option<i64>,
}

/// The service name of the entity of a change, such as `prospect`.
///
/// # Errors
/// [`Error::Refused`] if the change does not exist.
pub async fn entity_of_change(scope: &Scope, change: i64) -> Result<String> {
    let mut unit = Unit::begin(scope).await?;
    let entry = entry(&mut unit, change).await?;
    Ok(entry.text_named("entity").to_owned())
}

/// Reverts a change to a row of the table of `rules`. Returns the primary key of the row.
///
/// # Errors
/// [`Error::Refused`] if the change did not update a row, if a column can't be reverted, or if the row is missing or
/// deleted.
pub async fn revert(
    scope: &Scope,
    rules: &'static Rules,
    revert: Revert,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let entry = entry(unit, revert.change).await?;
            let table = (rules.table)();
            let row = entry.number_named("record_id").filter(|_| {
                entry.text_named("entity") == table.called
                    && entry.text_named("kind") == kind::UPDATED
            });
            let Some(row) = row.filter(|_| rules.update) else {
                let message = "the change did not update a row; only updates can be reverted";
                return Err(
                    Problem::invalid(Reason::ChangeNotRevertible, "change_id", message).into()
                );
            };
            let empty = Map::new();
            let before = match entry.value_named("before") {
                Value::Json(Json::Object(before)) => before,
                _ => &empty,
            };
            let names = columns(rules, before, revert.columns)?;
            let current = current(unit, rules, row, revert.expected_revision).await?;
            let mut values = Vec::new();
            for name in names {
                let column = table.column_named(name);
                values.push((column, stored(&before[name], table.columns[column].kind)?));
            }
            let patch = Input { values, ..Input::default() };
            Ok(patched(unit, rules, current, patch, Some("fields")).await?.id())
        })
    })
    .await
}

async fn entry(unit: &mut Unit, change: i64) -> Result<Record> {
    let entry = unit.peek(change_log::table(), change).await?;
    entry.ok_or_else(|| Problem::not_found("change_id", "change").into())
}

/// The columns to revert, which the change has changed and clients can write.
fn columns(
    rules: &'static Rules,
    before: &Map<String, Json>,
    requested: Option<Vec<&'static str>>,
) -> Result<Vec<&'static str>> {
    let columns = rules.fields.iter().map(|field| field.column);
    let columns = columns.filter(|column| before.contains_key(*column));
    let columns: Vec<&str> =
        columns.filter(|column| rules.written(column, true).is_some()).collect();
    if columns.is_empty() {
        let message = "the change has no fields that can be updated; fields with mutations of their own, such as the \
                       company and the owner of a prospect, are changed by these mutations";
        return Err(Problem::invalid(Reason::ChangeNotRevertible, "change_id", message).into());
    }
    let Some(requested) = requested else { return Ok(columns) };
    if let Some(index) = requested.iter().position(|name| !columns.contains(name)) {
        let message =
            "can't be reverted: the change did not change this field, or clients can't update it";
        let field = format!("fields.{index}");
        return Err(Problem::invalid(Reason::ChangeNotRevertible, &field, message).into());
    }
    Ok(requested)
}

/// The value of a column in the change log.
fn stored(json: &Json, kind: Kind) -> Result<Value> {
    let value = match (kind, json) {
        (_, Json::Null) => Some(Value::Null),
        (Kind::Json, json) => Some(Value::Json(json.clone())),
        (Kind::Bool, json) => json.as_bool().map(Value::Bool),
        (Kind::Int | Kind::BigInt, json) => json.as_i64().map(Value::Int),
        (Kind::Double, json) => json.as_f64().map(Value::Double),
        (Kind::Text, json) => json.as_str().map(|text| Value::Text(text.to_owned())),
        (Kind::Time, json) => json.as_str().and_then(|text| {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Some(Value::Time(time.with_timezone(&Utc)))
        }),
    };
    value.ok_or_else(|| Error::internal("the change log has a value of another type"))
}

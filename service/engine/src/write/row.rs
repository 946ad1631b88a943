//! Writes of single rows in a unit of work according to [`Rules`]: build, validate, write.

use super::{
    Input, LinkInput, Unit, check,
    nested_rows::{write_children, write_references},
    rules::{DefaultValue, FieldRule, LinkRule, Rules},
    unique_field::{check_unique, row_with_unique_value},
};
use crate::record::Record;
use crate::{
    error::{Error, Problem, Result},
    scope::Scope,
    value::Value,
};
use chrono::{DateTime, Utc};

/// Reads and locks the row to write and checks its revision.
///
/// # Errors
/// [`Error::Refused`] if the row is missing, deleted, or not at the expected revision.
pub async fn current(
    unit: &mut Unit,
    rules: &'static Rules,
    id: i64,
    expected_revision: Option<i64>,
) -> Result<Record> {
    let table = (rules.table)();
    for rule in rules.fields.iter().filter(|rule| rule.first) {
        let (Some(refers), Some(row)) = (rule.refers, unit.peek(table, id).await?) else {
            continue;
        };
        let Some(key) = row.number_named(rule.column) else { continue };
        let to = (refers.table)();
        if refers.writes {
            unit.find(to, key).await?;
        } else {
            unit.referred(to, key).await?;
        }
    }
    let row = unit.get(table, id, "id").await?;
    alive(&row, "id")?;
    at_revision(&row, expected_revision)?;
    Ok(row)
}

/// Rejects a deleted row with a message that explains how to proceed.
///
/// # Errors
/// [`Error::Refused`] if the row is deleted.
pub fn alive(row: &Record, field: &str) -> Result<()> {
    if !row.is_deleted() {
        return Ok(());
    }
    let called = row.table().called;
    let merged = row.table().find("merged_into_id").and_then(|column| row.at(column).key());
    let (reason, message) = match merged {
        Some(other) => (
            crate::Reason::RowMerged,
            format!("the {} was merged into {}:{other}", words(called), row.table().type_name()),
        ),
        None => (
            crate::Reason::RowDeleted,
            format!("the {} is deleted; restore it first", words(called)),
        ),
    };
    Err(Problem::conflict(reason, field, message).into())
}

/// Rejects a row that has been modified since it was read.
///
/// # Errors
/// [`Error::Refused`] if the row is at another revision.
pub fn at_revision(row: &Record, expected: Option<i64>) -> Result<()> {
    let revision = row.number_named("revision");
    match expected {
        Some(expected) if revision != Some(expected) => {
            let now = revision.unwrap_or_default();
            let message = format!(
                "the record was modified concurrently (current revision {now}); reload and retry"
            );
            let reason = crate::Reason::RevisionConflict;
            let problem = Problem::conflict(reason, "expected_revision", message);
            Err(Problem { current: Some(row.id()), ..problem }.into())
        }
        _ => Ok(()),
    }
}

/// Creates a row in a unit of work.
///
/// # Errors
/// [`Error::Refused`] with the errors of the input.
pub async fn create_in(unit: &mut Unit, rules: &'static Rules, mut input: Input) -> Result<Record> {
    let mut problems = Vec::new();
    let links = std::mem::take(&mut input.links);
    let children = std::mem::take(&mut input.children);
    write_references(unit, rules, &mut input).await?;
    let record = begun(unit.scope(), rules, input, unit.now(), &mut problems);
    check_all(unit, rules, &record, None, &mut problems).await?;
    check_unique(unit, &record, &mut problems).await?;
    refuse(problems)?;
    let mut record = record;
    if let Some(creating) = rules.hooks.creating() {
        creating(unit, &mut record).await?;
    }
    let record = unit.insert(record).await?;
    for (rule, link) in rules.links.iter().zip(links) {
        link_in(unit, rule, record.id(), link).await?;
    }
    if let Some(created) = rules.hooks.created() {
        created(unit, &record).await?;
    }
    write_children(unit, record.id(), children).await?;
    Ok(record)
}

/// Builds a row without writing it and validates its own values. For bulk writes, the caller checks references and
/// unique values.
///
/// # Errors
/// [`Error::Refused`] with the errors of the input.
pub fn plain(unit: &Unit, rules: &'static Rules, input: Input) -> Result<Record> {
    let mut problems = Vec::new();
    let record = begun(unit.scope(), rules, input, unit.now(), &mut problems);
    let columns = &(rules.table)().columns;
    for rule in rules.fields {
        let column = (rules.table)().column_named(rule.column);
        problems.extend(check::problem(&columns[column], rule, record.at(column), unit.now()));
    }
    refuse(problems)?;
    Ok(record)
}

/// Returns the primary key of the row with this unique value; creates the row if it does not exist.
///
/// # Errors
/// [`Error::Refused`] if the row cannot be created.
pub async fn find_or_create(
    unit: &mut Unit,
    rules: &'static Rules,
    input: Input,
) -> Result<(i64, bool)> {
    let record = begun(unit.scope(), rules, input.clone(), unit.now(), &mut Vec::new());
    let table = (rules.table)();
    let value =
        table.unique_field().map(|field| record.text_named(field.column)).unwrap_or_default();
    let known = row_with_unique_value(unit, table, value).await?;
    unit.check_seen(table, known).await?;
    if let Some(known) = known {
        return Ok((known, false));
    }
    Ok((create_in(unit, rules, input).await?.id(), true))
}

async fn link_in(unit: &mut Unit, rule: &'static LinkRule, id: i64, link: LinkInput) -> Result<()> {
    let mut keys = link.keys;
    keys.sort_unstable();
    for key in &keys {
        if unit.referred((rule.pairs.far_table)(), *key).await?.is_none() {
            return Err(Problem::not_found(rule.keys, (rule.pairs.far_table)().called).into());
        }
    }
    if let Some(rows) = &rule.rows {
        for input in link.rows {
            let made = Box::pin(create_in(unit, (rows.rules)(), input)).await;
            keys.push(made.map_err(|error| within(error, rows.name))?.id());
        }
    }
    for key in keys {
        unit.link(&rule.pairs, id, key).await?;
    }
    Ok(())
}

/// Prefixes the fields of problems with `name`.
pub(super) fn within(error: Error, name: &str) -> Error {
    match error {
        Error::Refused(problems) => Error::Refused(
            problems
                .into_iter()
                .map(|problem| {
                    let field = match problem.field {
                        Some(field) => Some(format!("{name}.{field}")),
                        None if problem.reason == crate::Reason::ValueNotAvailable => None,
                        None => Some(name.to_owned()),
                    };
                    Problem { field, ..problem }
                })
                .collect(),
        ),
        other => other,
    }
}

/// Applies a patch to a row in a unit of work.
///
/// # Errors
/// [`Error::Refused`] with the errors of the patch.
pub async fn patched(
    unit: &mut Unit,
    rules: &'static Rules,
    before: Record,
    patch: Input,
    within_field: Option<&str>,
) -> Result<Record> {
    let table = (rules.table)();
    let mut problems = Vec::new();
    let mut after = before.clone();
    for (column, value) in patch.values {
        after.set_at(
            column,
            check::normal(&table.columns[column], rules.field(table.columns[column].name), value),
        );
    }
    rules.hooks.complete(unit.scope(), Some(&before), &mut after, &mut problems);
    after.follow();
    check_all(unit, rules, &after, Some(&before), &mut problems).await?;
    let changes = |column| before.value_named(column) != after.value_named(column);
    if table.unique_field().is_some_and(|field| changes(field.column)) {
        check_unique(unit, &after, &mut problems).await?;
    }
    let refused = refuse(problems);
    match within_field {
        Some(field) => refused.map_err(|error| within(error, field))?,
        None => refused?,
    }
    rules.hooks.update(unit, before, after).await
}

/// Creates a row or patches the row with the same unique value; returns the primary key and whether it was created.
pub(crate) async fn upsert_in(
    unit: &mut Unit,
    rules: &'static Rules,
    mut input: Input,
) -> Result<(i64, bool)> {
    // Required values that are omitted remain unchanged.
    let columns = &(rules.table)().columns;
    input.values.retain(|(column, value)| *value != Value::Null || columns[*column].nullable);
    let record = begun(unit.scope(), rules, input.clone(), unit.now(), &mut Vec::new());
    let table = (rules.table)();
    let known = match table.unique_field() {
        Some(field) if record.text_named(field.column).is_empty() => {
            rules.hooks.same(unit, &record).await?
        }
        Some(field) => row_with_unique_value(unit, table, record.text_named(field.column)).await?,
        None => None,
    };
    unit.check_seen(table, known).await?;
    let Some(id) = known else { return Ok((create_in(unit, rules, input).await?.id(), true)) };
    let before = current(unit, rules, id, None).await?;
    write_references(unit, rules, &mut input).await?;
    let children = std::mem::take(&mut input.children);
    let id = patched(unit, rules, before, input, None).await?.id();
    write_children(unit, id, children).await?;
    Ok((id, false))
}

/// Builds a row from the input and the default values.
pub(super) fn begun(
    scope: &Scope,
    rules: &'static Rules,
    input: Input,
    now: DateTime<Utc>,
    problems: &mut Vec<Problem>,
) -> Record {
    let table = (rules.table)();
    let mut record = Record::new(table);
    for rule in rules.fields {
        record.set_named(rule.column, usual(rule, now));
    }
    for (column, value) in input.values {
        let value =
            check::normal(&table.columns[column], rules.field(table.columns[column].name), value);
        let usual_for_null = value == Value::Null && !table.columns[column].nullable;
        if !usual_for_null || *record.at(column) == Value::Null {
            record.set_at(column, value);
        }
    }
    rules.hooks.complete(scope, None, &mut record, problems);
    record.follow();
    record
}

fn usual(rule: &FieldRule, now: DateTime<Utc>) -> Value {
    match rule.usual {
        DefaultValue::Nothing | DefaultValue::Follows => Value::Null,
        DefaultValue::Bool(value) => Value::Bool(value),
        DefaultValue::Int(value) => Value::Int(value),
        DefaultValue::Text(text) => Value::Text(text.to_owned()),
        DefaultValue::Now => Value::Time(now),
    }
}

/// Validates every new value and its reference.
async fn check_all(
    unit: &mut Unit,
    rules: &'static Rules,
    record: &Record,
    before: Option<&Record>,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let table = (rules.table)();
    for rule in rules.fields {
        let column = table.column_named(rule.column);
        let value = record.at(column);
        if before.is_some_and(|before| before.at(column) == value) {
            continue;
        }
        if let Some(mut problem) = check::problem(&table.columns[column], rule, value, unit.now()) {
            if let (Some(nested), Value::Null) = (&rule.nested, value) {
                problem.message = format!("is required, unless `{}` is given", nested.name);
            }
            problems.push(problem);
            continue;
        }
        let (Some(refers), Some(key)) = (rule.refers, value.key()) else { continue };
        let to = (refers.table)();
        let found =
            if refers.writes { unit.find(to, key).await? } else { unit.referred(to, key).await? };
        match found {
            None => problems.push(Problem::not_found(rule.column, to.called)),
            Some(row) => {
                if let Err(Error::Refused(deleted)) = alive(&row, rule.column) {
                    problems.extend(deleted);
                }
            }
        }
    }
    Ok(())
}

/// Returns an error if there are any problems.
///
/// # Errors
/// [`Error::Refused`] with these problems.
pub fn refuse(problems: Vec<Problem>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Refused(problems)) }
}

/// `outreach_draft` → `outreach draft`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

//! Creation of a simple row in one statement, which locks the referenced rows, inserts the row and its change log
//! entry, and commits, all in one round trip.
//!
//! This is a fast path for valid input only. If anything is invalid, no row is inserted, and the
//! [`Unit`](super::Unit) repeats the work step by step to find the problems.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Input, check, insert_plan::InsertPlan, row::begun, rules::Rules};
use crate::record::Record;
use crate::{
    change_log::{Entry, beside, kind},
    error::Result,
    policy::Permission,
    scope::Scope,
    store::Engine,
    table::Table,
    value::Value,
};

/// Creates a row and returns it as stored. `None` means that nothing was written: the row needs more than one
/// statement, or is invalid.
pub(super) async fn create(
    scope: &Scope,
    rules: &'static Rules,
    input: &Input,
) -> Result<Option<Record>> {
    let table = (rules.table)();
    let links = input.links.iter().any(|link| !link.keys.is_empty() || !link.rows.is_empty());
    if links
        // The references have to lead to rows that the caller sees.
        || scope.is_restricted()
        || input.has_nested_rows()
        || table.is_guarded()
        || table.unique_field().is_some()
        || table.is_counted()
        || rules.hooks.created().is_some()
        || rules.hooks.creating().is_some()
    {
        return Ok(None);
    }
    scope.demand(Permission::Write)?;
    let now = scope.now();
    let mut problems = Vec::new();
    let mut record = begun(scope, rules, input.clone(), now, &mut problems);
    let mut held: Vec<(&Table, i64)> = Vec::new();
    for rule in rules.fields {
        let column = table.column_named(rule.column);
        let value = record.at(column);
        problems.extend(check::problem(&table.columns[column], rule, value, now));
        if let (Some(refers), Some(key)) = (rule.refers, value.key()) {
            if refers.writes {
                return Ok(None);
            }
            held.push(((refers.table)(), key));
        }
    }
    if !problems.is_empty() {
        return Ok(None);
    }
    record.stamp(scope, now);
    let Some(id) = insert(scope, &record, &held, now).await? else { return Ok(None) };
    record.set_at(table.id(), Value::Int(id));
    scope.store().signal().changed();
    scope.store().wait_until_replicated().await;
    Ok(Some(record))
}

/// Inserts the row if all referenced rows in `held` exist and are not deleted; returns its primary key.
async fn insert(
    scope: &Scope,
    record: &Record,
    held: &[(&Table, i64)],
    now: DateTime<Utc>,
) -> Result<Option<i64>> {
    let (table, engine) = (record.table(), scope.store().engine());
    let mut there = Vec::new();
    let conditions = held.iter().map(|(to, key)| {
        let alive = if to.deleted_at.is_some() { " AND \"deleted_at\" IS NULL" } else { "" };
        there.extend([(*key).into(), scope.organization().into()]);
        format!("FROM \"{}\" WHERE \"id\" = {{}} AND \"organization_id\" = {{}}{alive}", to.name)
    });
    let conditions: Vec<String> = conditions.collect();
    let (insert, mut binds) = InsertPlan::without_key(table).conditional_row(record.values());
    let entry = Entry::of(table, None, kind::CREATED, None, Some(record.snapshot()));
    let (sql, binds) = match engine {
        Engine::Postgres => {
            let (entry, noted) = beside(scope, now, entry, "\"id\"", "FROM \"made\"");
            let mut with = String::from("WITH ");
            for (number, condition) in conditions.iter().enumerate() {
                let _ = write!(with, "\"held_{number}\" AS (SELECT 1 {condition} FOR SHARE), ");
            }
            let from: Vec<_> = (0..held.len()).map(|held| format!("\"held_{held}\"")).collect();
            let from =
                if from.is_empty() { from } else { vec![format!(" FROM {}", from.join(", "))] };
            let sql = format!(
                "{with}\"made\" AS ({insert}{} RETURNING \"id\"), \"noted\" AS ({entry}) \
                 SELECT \"id\" FROM \"made\"",
                from.concat()
            );
            there.extend(binds);
            there.extend(noted);
            (sql, there)
        }
        // SQLite has no data-modifying common table expressions.
        Engine::Sqlite => {
            let made = "WHERE changes() = 1";
            let (entry, noted) = beside(scope, now, entry, "last_insert_rowid()", made);
            let exist: Vec<_> = conditions
                .iter()
                .map(|condition| format!("EXISTS (SELECT 1 {condition})"))
                .collect();
            let only = if exist.is_empty() { "" } else { " WHERE " };
            let sql = format!("{insert}{only}{} RETURNING \"id\"; {entry}", exist.join(" AND "));
            binds.extend(there);
            binds.extend(noted);
            (sql, binds)
        }
    };
    let rows = scope.store().write_single(&sql, binds).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
}

//! Filters, and their compilation to SQL predicates.
//!
//! A filter and its negation partition the rows: a condition on a null value is false, and its negation is true.

use chrono::{DateTime, Utc};
use std::sync::Arc;

use sea_orm::Value as Bind;

use super::{
    plan::Link,
    statement::Sql,
    zone::{Bucket, Zone},
};
use crate::{
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// A filter of the rows of a table.
#[derive(Clone, Debug)]
pub enum Filter {
    /// Rows that match all filters; every row if there are none.
    All(Vec<Filter>),
    /// Rows that match at least one filter; no row if there are none.
    Any(Vec<Filter>),
    /// Rows that don't match the filter.
    Not(Box<Filter>),
    /// A condition on a column.
    Column(usize, Test),
    /// A filter of the row that a column references.
    ToOne {
        /// Referencing column.
        via: usize,
        /// Referenced table.
        table: &'static Table,
        /// Filter of the referenced row.
        filter: Box<Filter>,
    },
    /// A filter of the rows of a to-many relation.
    ToMany {
        /// How the related rows are assigned to the row.
        link: Link,
        /// Table of the related rows.
        table: &'static Table,
        /// How many of the related rows must match.
        quantifier: Quantifier,
        /// Filter of the related rows.
        filter: Box<Filter>,
    },
}

/// How many rows of a relation must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// At least one row.
    Some,
    /// No row.
    None,
    /// All rows; also true if there are none.
    Every,
}

/// A condition on one column.
#[derive(Clone, Debug)]
pub enum Test {
    /// Equal.
    Eq(Value),
    /// Equal, case-sensitive: for enum values.
    Exactly(&'static str),
    /// Not equal, or null.
    Ne(Value),
    /// One of these values.
    In(Vec<Value>),
    /// None of these values, or null.
    NotIn(Vec<Value>),
    /// Less than.
    Lt(Value),
    /// Less than or equal.
    Lte(Value),
    /// Greater than.
    Gt(Value),
    /// Greater than or equal.
    Gte(Value),
    /// Null, or not null.
    IsNull(bool),
    /// Text that contains this text.
    Contains(String),
    /// Text that starts with this text.
    StartsWith(String),
    /// Text that ends with this text.
    EndsWith(String),
    /// A timestamp in this cyclic bucket of a time zone: a weekday, or an hour of the day.
    Cyclic(Bucket, Arc<Zone>, i64),
    /// A JSON list that contains this text or number, or a JSON object with this key.
    Has(String),
}

impl Filter {
    /// Rows whose time in a column is in a half-open range.
    #[must_use]
    pub fn within(
        column: usize,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Self {
        let from = since.map(|since| Self::Column(column, Test::Gte(Value::Time(since))));
        let to = until.map(|until| Self::Column(column, Test::Lt(Value::Time(until))));
        Self::All(from.into_iter().chain(to).collect())
    }

    /// Whether every row matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(all) if all.iter().all(Self::is_empty))
    }

    /// Number of conditions.
    #[must_use]
    pub fn conditions(&self) -> usize {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().map(Self::conditions).sum(),
            Self::Not(filter) => filter.conditions(),
            Self::ToOne { filter, .. } | Self::ToMany { filter, .. } => 1 + filter.conditions(),
            Self::Column(..) => 1,
        }
    }

    /// The conditions on a column that every matching row fulfills.
    pub(super) fn required(&self, column: usize) -> Vec<&Test> {
        match self {
            Self::All(all) => all.iter().flat_map(|filter| filter.required(column)).collect(),
            Self::Column(known, test) if *known == column => vec![test],
            _ => Vec::new(),
        }
    }

    /// Appends the predicate on the row with this `alias` to `sql`.
    pub(crate) fn write(&self, sql: &mut Sql, table: &'static Table, alias: &str) {
        match self {
            Self::All(all) => join(sql, all, table, alias, " AND ", "TRUE"),
            Self::Any(any) => join(sql, any, table, alias, " OR ", "FALSE"),
            Self::Not(filter) => {
                sql.push("((");
                filter.write(sql, table, alias);
                sql.push(") IS NOT TRUE)");
            }
            Self::Column(column, test) => test.write(sql, table, *column, alias),
            Self::ToOne { via, table: to, filter } => {
                let inner = sql.alias();
                let via = table.columns[*via].name;
                if sql.counts && sql.engine() == Engine::Sqlite {
                    // SQLite can use an index on the reference here, which it never does for EXISTS. All matching
                    // rows are needed anyway.
                    sql.push(&format!(
                        "{alias}.\"{via}\" IN (SELECT {inner}.\"id\" FROM \"{}\" {inner} WHERE TRUE",
                        to.name
                    ));
                    sql.tenant_of_linked(to, &inner);
                    sql.push(" AND ");
                    filter.write(sql, to, &inner);
                    return sql.push(")");
                }
                sql.push(&format!(
                    "EXISTS (SELECT 1 FROM \"{}\" {inner} WHERE {inner}.\"id\" = {alias}.\"{via}\"",
                    to.name
                ));
                sql.tenant(to, &inner);
                sql.push(" AND ");
                filter.write(sql, to, &inner);
                sql.push(")");
            }
            Self::ToMany { link, table: to, quantifier, filter } => {
                let inner = sql.alias();
                let negated = *quantifier != Quantifier::Some;
                sql.push(if negated {
                    "NOT EXISTS (SELECT 1 FROM "
                } else {
                    "EXISTS (SELECT 1 FROM "
                });
                sql.linked(*link, to, &inner, &format!("{alias}.\"id\""));
                sql.tenant_of_linked(to, &inner);
                sql.alive(to, &inner, Some(*link));
                sql.push(" AND ");
                if *quantifier == Quantifier::Every {
                    Self::Not(filter.clone()).write(sql, to, &inner);
                } else {
                    filter.write(sql, to, &inner);
                }
                sql.push(")");
            }
        }
    }
}

fn join(
    sql: &mut Sql,
    filters: &[Filter],
    table: &'static Table,
    alias: &str,
    between: &str,
    none: &str,
) {
    if filters.is_empty() {
        return sql.push(none);
    }
    sql.push("(");
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            sql.push(between);
        }
        filter.write(sql, table, alias);
    }
    sql.push(")");
}

impl Test {
    /// For a comparison with a value: its operator and the value.
    pub(super) fn comparison(&self) -> Option<(&'static str, &Value)> {
        match self {
            Self::Eq(value) => Some(("=", value)),
            Self::Lt(value) => Some(("<", value)),
            Self::Lte(value) => Some(("<=", value)),
            Self::Gt(value) => Some((">", value)),
            Self::Gte(value) => Some((">=", value)),
            _ => None,
        }
    }

    fn write(&self, sql: &mut Sql, table: &'static Table, column: usize, alias: &str) {
        let kind = table.columns[column].kind;
        let plain = format!("{alias}.\"{}\"", table.columns[column].name);
        self.write_on(sql, &plain, kind);
    }

    /// Appends the condition on an expression of type `kind`.
    pub(super) fn write_on(&self, sql: &mut Sql, plain: &str, kind: Kind) {
        let folded = sql.folded(plain, kind);
        match self {
            Self::Eq(value) => sql.compare(&folded, "=", value, kind),
            Self::Exactly(word) => {
                let word = sql.bind(Bind::String(Some((*word).to_owned())));
                sql.push(&format!("{plain} = {word}"));
            }
            Self::Ne(value) => {
                sql.push("((");
                sql.compare(&folded, "=", value, kind);
                sql.push(") IS NOT TRUE)");
            }
            Self::In(values) => one_of(sql, &folded, values, kind),
            Self::NotIn(values) => {
                sql.push("((");
                one_of(sql, &folded, values, kind);
                sql.push(") IS NOT TRUE)");
            }
            Self::Lt(value) => sql.compare(&folded, "<", value, kind),
            Self::Lte(value) => sql.compare(&folded, "<=", value, kind),
            Self::Gt(value) => sql.compare(&folded, ">", value, kind),
            Self::Gte(value) => sql.compare(&folded, ">=", value, kind),
            Self::IsNull(true) => sql.push(&format!("{plain} IS NULL")),
            Self::IsNull(false) => sql.push(&format!("{plain} IS NOT NULL")),
            Self::Contains(text) => like(sql, plain, &format!("%{}%", escaped(text))),
            Self::StartsWith(text) => like(sql, plain, &format!("{}%", escaped(text))),
            Self::EndsWith(text) => like(sql, plain, &format!("%{}", escaped(text))),
            Self::Cyclic(bucket, zone, number) => {
                let bucket = zone.bucket(sql.engine(), plain, *bucket);
                let number = sql.bind(Bind::BigInt(Some(*number)));
                sql.push(&format!("{bucket} = {number}"));
            }
            Self::Has(text) => has(sql, plain, text),
        }
    }
}

/// The list is a single bind parameter, so the statement text doesn't depend on its length.
fn one_of(sql: &mut Sql, folded: &str, values: &[Value], kind: Kind) {
    let values: Vec<Value> = values.iter().map(fold).collect();
    if sql.engine() == Engine::Postgres {
        let list = sql.bind(Value::array(values, kind));
        sql.push(&format!("{folded} = ANY({list})"));
    } else {
        let list: Vec<serde_json::Value> = values.iter().map(json).collect();
        let list = sql.bind(Bind::String(Some(serde_json::Value::from(list).to_string())));
        sql.push(&format!("{folded} IN (SELECT value FROM json_each({list}))"));
    }
}

/// The value in the format that SQLite stores, for a JSON list.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(v) => i32::from(*v).into(),
        other => other.json(),
    }
}

/// The text with A–Z in lower case, as both engines compare text.
pub(super) fn fold(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(text.to_ascii_lowercase()),
        other => other.clone(),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character.to_ascii_lowercase());
    }
    escaped
}

fn like(sql: &mut Sql, plain: &str, pattern: &str) {
    let pattern = sql.bind(Bind::String(Some(pattern.to_owned())));
    if sql.engine() == Engine::Postgres {
        sql.push(&format!("lower({plain} COLLATE \"C\") LIKE {pattern}"));
    } else {
        sql.push(&format!("{plain} LIKE {pattern} ESCAPE '\\'"));
    }
}

fn has(sql: &mut Sql, plain: &str, text: &str) {
    let word = sql.bind(Bind::String(Some(text.to_owned())));
    let number = text.parse::<f64>().ok();
    // Text that Postgres would not accept as a number is not treated as one.
    let number = number.filter(|number| number.is_normal() || text == "0");
    if sql.engine() == Engine::Postgres {
        sql.push(&format!("({plain} ? {word}"));
        if number.is_some() {
            sql.push(&format!(" OR {plain} @> jsonb_build_array(({word}::text)::numeric)"));
        }
        sql.push(")");
    } else {
        let same = if number.is_some() {
            format!(
                "(type = 'text' AND value = {word}) OR (type IN ('integer', 'real') AND value = CAST({word} AS NUMERIC))"
            )
        } else {
            format!("type = 'text' AND value = {word}")
        };
        sql.push(&format!(
            "EXISTS (SELECT 1 FROM json_each({plain}) WHERE CASE json_type({plain}) \
             WHEN 'array' THEN {same} WHEN 'object' THEN key = {word} ELSE value = {word} END)"
        ));
    }
}

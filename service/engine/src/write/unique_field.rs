//! Unique fields: lookup of a row by its unique value, and the errors for a value that another row has.
//!
//! A unique index guarantees uniqueness (decision 33). The lock on the value makes concurrent writers of one value wait
//! for each other, so that an upsert finds the row of the other writer.

use sea_orm::{DbErr, SqlErr, Value as Bind};

use super::{Unit, row::words, visibility::hidden_conflict};
use crate::record::Record;
use crate::{
    error::{Error, Problem, Result},
    scope::Scope,
    store::Engine,
    table::{Table, UniqueField, with_article},
    value::{Kind, Value},
};

/// Adds a problem if another row that is not deleted has the same unique value.
pub(super) async fn check_unique(
    unit: &mut Unit,
    record: &Record,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let table = record.table();
    let Some(field) = table.unique_field() else { return Ok(()) };
    let taken = row_with_unique_value(unit, table, record.text_named(field.column)).await?;
    unit.check_seen(table, taken).await?;
    if let Some(taken) = taken.filter(|taken| *taken != record.id()) {
        problems.push(conflict(table, field, Some(taken)));
    }
    Ok(())
}

/// The problem of a value that the row `taken` has.
fn conflict(table: &Table, field: &UniqueField, taken: Option<i64>) -> Problem {
    let by = if table.is_comparison(field.column) { field.written_as } else { field.column };
    let known = taken.map(|id| format!(": {}:{id}", table.type_name())).unwrap_or_default();
    let message =
        format!("there is already {} with this {}{known}", with_article(table.called), words(by));
    Problem::conflict(field.reason, field.written_as, message)
}

/// Converts the error of a write that the unique index of the table has rejected, because another program has written
/// the value at the same time.
pub(super) fn unique_violation(scope: &Scope, table: &Table, error: Error) -> Error {
    let Some(field) = table.unique_field() else { return error };
    let violation = match &error {
        Error::Internal(source) => source.downcast_ref::<DbErr>().and_then(DbErr::sql_err),
        _ => None,
    };
    let Some(SqlErr::UniqueConstraintViolation(message)) = violation else { return error };
    // Postgres names the index, SQLite the columns.
    let (index, column) = (index_name(table, field), format!("{}.{}", table.name, field.column));
    if message.contains(&index) || message.contains(&column) {
        // The other row may be hidden from a restricted caller.
        match scope.restriction() {
            Some(restriction) => {
                scope.store().conflicts.count(restriction.membership(), scope.now());
                hidden_conflict().into()
            }
            None => conflict(table, field, None).into(),
        }
    } else {
        error
    }
}

fn index_name(table: &Table, field: &UniqueField) -> String {
    format!("ux_{}_{}", table.name, field.column)
}

impl Unit {
    /// Locks the unique values of rows, in order. Upserts lock values before rows, so a write that will lock both does the
    /// same.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond.
    pub async fn lock_unique_values(&mut self, table: &'static Table, rows: &[i64]) -> Result<()> {
        let Some(field) = table.unique_field() else { return Ok(()) };
        let mut values = Vec::new();
        for row in rows {
            let row = self.peek(table, *row).await?;
            values.extend(row.map(|row| row.text_named(field.column).to_ascii_lowercase()));
        }
        values.retain(|value| !value.is_empty());
        self.advisory_locks(table, values).await
    }
}

/// The SQL expression that is compared with a unique value in lower case.
fn compared_column(unit: &Unit, table: &Table, field: &UniqueField) -> String {
    if table.is_computed(field.column) {
        format!("\"{}\"", field.column)
    } else {
        unit.scope().engine().folded(field.column)
    }
}

/// Locks the rows with these unique values that are not deleted, by primary key.
pub(super) async fn lock_rows_with_values(
    unit: &Unit,
    table: &'static Table,
    values: &[String],
) -> Result<()> {
    let Some(field) = table.unique_field() else { return Ok(()) };
    // SQLite has a single writer.
    if unit.scope().engine() == Engine::Sqlite || values.is_empty() {
        return Ok(());
    }
    let column = compared_column(unit, table, field);
    let alive = if table.deleted_at.is_some() { " AND \"deleted_at\" IS NULL" } else { "" };
    let sql = format!(
        "SELECT \"id\" FROM \"{}\" WHERE \"organization_id\" = {{}} AND {column} = ANY({{}}){alive} \
         ORDER BY \"id\" FOR NO KEY UPDATE",
        table.name
    );
    let values = values.iter().cloned().map(Value::Text).collect();
    let binds = vec![unit.scope().organization().into(), Value::array(values, Kind::Text)];
    unit.query(&sql, binds).await?;
    Ok(())
}

/// Returns the row with this unique value that is not deleted: the unmarked one if others are marked as its duplicates.
/// The value stays locked until the end of the unit of work.
pub(super) async fn row_with_unique_value(
    unit: &mut Unit,
    table: &'static Table,
    value: &str,
) -> Result<Option<i64>> {
    let Some(field) = table.unique_field() else { return Ok(None) };
    if value.is_empty() || value.contains('\0') {
        return Ok(None);
    }
    let folded = value.to_ascii_lowercase();
    unit.advisory_lock(table, &folded).await?;
    let column = compared_column(unit, table, field);
    let merged = table.find("merged_into_id").is_some();
    let (alive, mut order) = match (table.deleted_at.is_some(), merged) {
        (true, true) => (
            " AND (\"deleted_at\" IS NULL OR \"merged_into_id\" IS NOT NULL)",
            "\"deleted_at\" IS NOT NULL, ".to_owned(),
        ),
        (true, false) => (" AND \"deleted_at\" IS NULL", String::new()),
        (false, _) => ("", String::new()),
    };
    if table.duplicate_of().is_some() {
        order.push_str("\"duplicate_of\" IS NOT NULL, ");
    }
    let found = if merged { "\"merged_into_id\"" } else { "NULL" };
    let sql = format!(
        "SELECT \"id\", {found} FROM \"{}\" WHERE \"organization_id\" = {{}} AND {column} = {{}}{alive} \
         ORDER BY {order}\"id\" LIMIT 1",
        table.name
    );
    let binds: Vec<Bind> =
        vec![unit.scope().organization().into(), Value::Text(folded).bind(Kind::Text)];
    let rows = unit.query(&sql, binds).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let id: i64 = row.try_get_by_index(0)?;
    let survivor = if merged { row.try_get_by_index::<Option<i64>>(1)? } else { None };
    match survivor {
        Some(survivor) => survivor_of(unit, table, survivor).await,
        None => Ok(Some(id)),
    }
}

/// Returns the row into which a row was merged, directly or indirectly; `None` if that row is deleted.
async fn survivor_of(unit: &mut Unit, table: &'static Table, id: i64) -> Result<Option<i64>> {
    let mut id = id;
    while let Some(row) = unit.peek(table, id).await? {
        match row.number_named("merged_into_id") {
            Some(next) => id = next,
            None if row.is_deleted() => return Ok(None),
            None => return Ok(Some(id)),
        }
    }
    Ok(None)
}

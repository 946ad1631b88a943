//! Unique fields: lookup of a row by its unique value, which stays locked until the end of the unit of work.

use sea_orm::Value as Bind;

use super::{Unit, row::words, rules::Rules};
use crate::record::Record;
use crate::{
    error::{Problem, Result},
    table::Table,
    value::{Kind, Value},
};

/// Adds a problem if another row that is not deleted has the same unique value.
pub(crate) async fn unique(
    unit: &mut Unit,
    rules: &'static Rules,
    record: &Record,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let Some(identity) = rules.identity else { return Ok(()) };
    let taken = with_identity(unit, rules, record.text(identity.column)).await?;
    if taken.is_some_and(|taken| taken != record.id()) {
        let known = graph_id((rules.table)(), taken.unwrap_or_default());
        let by = if (rules.table)().is_comparison(identity.column) {
            identity.written_as
        } else {
            identity.column
        };
        let message = format!(
            "there is already {} with this {}: {known}",
            a((rules.table)().called),
            words(by)
        );
        let reason = match (rules.table)().called {
            "company" => crate::Reason::CompanyDomainTaken,
            "prospect" => crate::Reason::ProspectEmailTaken,
            "industry" => crate::Reason::IndustryNameTaken,
            "setting" => crate::Reason::SettingKeyTaken,
            _ => crate::Reason::ValueTaken,
        };
        problems.push(Problem::conflict(reason, identity.written_as, message));
    }
    Ok(())
}

/// Returns the row with this unique value that is not deleted. The value stays locked until the end of the unit of
/// work.
pub(super) async fn with_identity(
    unit: &mut Unit,
    rules: &'static Rules,
    value: &str,
) -> Result<Option<i64>> {
    let (Some(identity), false) = (rules.identity, value.is_empty() || value.contains('\0')) else {
        return Ok(None);
    };
    let table = (rules.table)();
    let folded = value.to_ascii_lowercase();
    unit.advisory_lock(table, &folded).await?;
    let column = if table.is_comparison(identity.column) {
        format!("\"{}\"", identity.column)
    } else {
        unit.scope().engine().folded(identity.column)
    };
    let merged = table.find("merged_into_id").is_some();
    let (alive, order) = match (table.deleted_at.is_some(), merged) {
        (true, true) => (
            " AND (\"deleted_at\" IS NULL OR \"merged_into_id\" IS NOT NULL)",
            "\"deleted_at\" IS NOT NULL, ",
        ),
        (true, false) => (" AND \"deleted_at\" IS NULL", ""),
        (false, _) => ("", ""),
    };
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
        match row.number("merged_into_id") {
            Some(next) => id = next,
            None if row.is_deleted() => return Ok(None),
            None => return Ok(Some(id)),
        }
    }
    Ok(None)
}

/// The global ID of a row: `Prospect:42`.
fn graph_id(table: &Table, id: i64) -> String {
    let words = table.called.split('_').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    format!("{}:{id}", words.collect::<String>())
}

/// `industry` → `an industry`.
fn a(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {}", words(name))
}

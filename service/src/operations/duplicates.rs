//! Duplicates: rows with the same unique value as an older row, which have a mark, and prospects with the same profile.

use std::collections::BTreeMap;

use engine::{
    error::Result,
    store::{Engine, Store},
    table::Table,
    value::{Kind, Value},
};
use sea_orm::{ConnectionTrait, Statement, Value as Bind};
use serde_json::Value as Json;

use crate::{
    crm::{company, prospect},
    offer::industry,
};

/// Unmarks the oldest row of each of these values that no unmarked row has, and makes the marks of the other rows refer
/// to the unmarked row. `values` are pairs of organization and unique value. Two statements.
pub(super) async fn settle_marks<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    table: &'static Table,
    values: Vec<Json>,
) -> Result<()> {
    let (Some(field), false) = (table.unique_field(), values.is_empty()) else { return Ok(()) };
    let (name, column) = (table.name, field.column);
    let alive = |row: &str| match table.find("deleted_at") {
        Some(_) => format!("{row}.\"deleted_at\" IS NULL"),
        None => "TRUE".to_owned(),
    };
    let (pairs, pairs_bind): (&str, Bind) = match engine {
        Engine::Postgres => (
            "(SELECT DISTINCT (v->>0)::bigint AS \"o\", v->>1 AS \"k\" FROM jsonb_array_elements({}) v)",
            Value::Json(Json::Array(values)).bind(Kind::Json),
        ),
        Engine::Sqlite => (
            "(SELECT DISTINCT json_extract(value, '$[0]') AS \"o\", json_extract(value, '$[1]') AS \"k\" \
             FROM json_each({}))",
            Json::Array(values).to_string().into(),
        ),
    };
    let matches =
        |row: &str| format!("{row}.\"organization_id\" = p.\"o\" AND {row}.\"{column}\" = p.\"k\"");
    let unmark = format!(
        "UPDATE \"{name}\" SET \"duplicate_of\" = NULL WHERE \"id\" IN (SELECT min(r.\"id\") FROM {pairs} p \
         JOIN \"{name}\" r ON {} WHERE {} GROUP BY p.\"o\", p.\"k\" HAVING count(*) = count(r.\"duplicate_of\"))",
        matches("r"),
        alive("r")
    );
    connection.execute_raw(engine.statement(&unmark, vec![pairs_bind.clone()])).await?;
    let refer = format!(
        "UPDATE \"{name}\" AS r SET \"duplicate_of\" = u.\"id\" FROM {pairs} p JOIN \"{name}\" u ON {} \
         AND u.\"duplicate_of\" IS NULL AND {} WHERE {} AND r.\"duplicate_of\" IS NOT NULL AND {}",
        matches("u"),
        alive("u"),
        matches("r"),
        alive("r")
    );
    connection.execute_raw(engine.statement(&refer, vec![pairs_bind])).await?;
    Ok(())
}

/// Rows of an organization with the same value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// Table name, e.g. `prospects`.
    pub table: &'static str,
    /// Compared column, e.g. `email`.
    pub column: &'static str,
    /// Primary key of the organization.
    pub organization: i64,
    /// Primary keys of the rows. For a unique value, the first one is the unmarked row.
    pub rows: Vec<i64>,
}

/// Rows that are not deleted and have the same e-mail address, profile, domain or name as other rows of their
/// organization. They are reported, and never merged automatically.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn duplicates(store: &Store) -> Result<Vec<Duplicates>> {
    let mut found = Vec::new();
    for (table, column) in
        [(prospect::table(), "email"), (company::table(), "domain"), (industry::table(), "name")]
    {
        let sql = format!(
            "SELECT \"organization_id\", \"duplicate_of\", \"id\" FROM \"{}\" WHERE \"duplicate_of\" IS NOT NULL \
             ORDER BY \"organization_id\", \"duplicate_of\", \"id\"",
            table.name
        );
        let mut groups: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
        for (organization, unmarked, row) in rows(store, sql).await? {
            groups.entry((organization, unmarked)).or_insert_with(|| vec![unmarked]).push(row);
        }
        found.extend(groups.into_iter().map(|((organization, _), rows)| Duplicates {
            table: table.name,
            column,
            organization,
            rows,
        }));
    }
    let profiles = "SELECT r.\"organization_id\", d.\"first\", r.\"id\" FROM \"prospects\" r JOIN (SELECT \
         \"organization_id\", \"linkedin_key\", min(\"id\") AS \"first\" FROM \"prospects\" WHERE \"deleted_at\" IS NULL \
         AND \"linkedin_key\" IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) d \
         ON d.\"organization_id\" = r.\"organization_id\" AND d.\"linkedin_key\" = r.\"linkedin_key\" \
         WHERE r.\"deleted_at\" IS NULL ORDER BY r.\"id\"";
    let mut groups: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
    for (organization, first, row) in rows(store, profiles.to_owned()).await? {
        groups.entry((organization, first)).or_default().push(row);
    }
    found.extend(groups.into_iter().map(|((organization, _), rows)| Duplicates {
        table: prospect::table().name,
        column: "linkedin_url",
        organization,
        rows,
    }));
    Ok(found)
}

async fn rows(store: &Store, sql: String) -> Result<Vec<(i64, i64, i64)>> {
    let statement = Statement::from_string(store.engine().backend(), sql);
    let rows = store.write().query_all_raw(statement).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?))
    };
    rows.iter().map(read).collect()
}

//! Matches the rows of entries against filters.

use std::{collections::HashMap, fmt::Write as _};

use sea_orm::Value as Bind;

use super::{kind, stream::MatchChange};
use crate::{
    error::Result,
    read::{self, Filter, List, Page, Sql, Test},
    scope::Scope,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// The row of an entry, before or after its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    After,
}

/// For each of these entries, how the match of its row of `table` with a filter changed. Entries whose row matches
/// neither before nor after the change are omitted. The row is reconstructed from the entry; rows that it references
/// are read in their current state. An erased row no longer matches any filter. One statement.
pub(super) async fn matching(
    scope: &Scope,
    entries: &[i64],
    table: &'static Table,
    filter: &Filter,
) -> Result<HashMap<i64, MatchChange>> {
    let engine = scope.store().engine();
    let mut sql = Sql::new(engine, scope.viewer());
    let keys = match engine {
        Engine::Postgres => {
            let keys = entries.iter().copied().map(Value::Int).collect();
            format!("= ANY({})", sql.bind(Value::array(keys, Kind::BigInt)))
        }
        Engine::Sqlite => {
            let keys = sql.bind(Bind::String(Some(serde_json::Value::from(entries).to_string())));
            format!("IN (SELECT value FROM json_each({keys}))")
        }
    };
    let organization = if engine == Engine::Postgres { "$1" } else { "?1" };
    let of_these = format!("c.\"id\" {keys} AND c.\"organization_id\" = {organization}");
    for state in [State::Before, State::After] {
        let name = if state == State::Before { "before" } else { "after" };
        let visible = scope.restriction().map(|restriction| match state {
            State::Before => restriction.condition(engine, table, "t", &mut |bind| sql.bind(bind)),
            // The row must be visible now. It may have changed since.
            State::After => format!("t.\"id\" IN (SELECT \"id\" FROM \"{}\")", table.name),
        });
        sql.push(&format!("SELECT t.change_id, '{name}' FROM ({}", rows(engine, table, state)));
        sql.push(&format!(
            " WHERE {of_these} AND c.\"{name}\" IS NOT NULL AND c.\"record_id\" IS NOT NULL \
             AND c.\"kind\" NOT IN ('linked', 'unlinked', 'imported')) t WHERE "
        ));
        filter.write(&mut sql, table, "t");
        if let Some(visible) = visible {
            sql.push(" AND ");
            sql.push(&visible);
        }
        sql.push(" UNION ALL ");
    }
    // Nothing shows whether a restricted caller saw a row that was erased.
    let known = if scope.is_restricted() { " AND FALSE" } else { "" };
    sql.push(&format!(
        "SELECT c.\"id\", 'before' FROM \"changes\" c WHERE {of_these} AND c.\"kind\" = '{}'{known}",
        kind::ERASED
    ));
    let mut matches: HashMap<i64, MatchChange> = HashMap::new();
    let mut statement = sql.finish();
    if let Some(restriction) = scope.restriction() {
        statement = restriction.apply(engine, statement, &["changes"])?;
    }
    for row in &scope.store().run_read(statement).await? {
        let (entry, state): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let one = if state == "before" { MatchChange::Left } else { MatchChange::Entered };
        let both = |known: &mut MatchChange| {
            if *known != one {
                *known = MatchChange::Updated;
            }
        };
        matches.entry(entry).and_modify(both).or_insert(one);
    }
    Ok(matches)
}

/// An unfiltered query for the rows of entries (`c`), with the ids of the entries. `before` holds only the columns that
/// the entry changed; all other values are taken from `after`.
fn rows(engine: Engine, table: &Table, state: State) -> String {
    if engine == Engine::Postgres {
        let row = match state {
            State::Before => "COALESCE(c.\"after\", '{}') || c.\"before\"",
            State::After => "c.\"after\"",
        };
        return format!(
            "SELECT c.\"id\" AS change_id, r.* FROM \"changes\" c CROSS JOIN LATERAL \
             jsonb_populate_record(NULL::\"{}\", {row}) r",
            table.name
        );
    }
    let mut sql = "SELECT c.\"id\" AS change_id".to_owned();
    for column in &table.columns {
        let name = column.name;
        let value = |from: &str| match column.kind {
            // As JSON text, which keeps the quotes of strings.
            Kind::Json => format!("NULLIF(c.\"{from}\" -> '$.{name}', 'null')"),
            _ => format!("c.\"{from}\" ->> '$.{name}'"),
        };
        let value = match state {
            State::After => value("after"),
            State::Before => format!(
                "CASE WHEN json_type(c.\"before\", '$.{name}') IS NULL THEN {} ELSE {} END",
                value("after"),
                value("before")
            ),
        };
        let _ = write!(sql, ", {value} AS \"{name}\"");
    }
    sql.push_str(" FROM \"changes\" c");
    sql
}

/// The ids of the entries that match `filter`.
pub(super) async fn entries(scope: &Scope, entries: &[i64], filter: &Filter) -> Result<Vec<i64>> {
    let table = super::table();
    let mut list = List::new(table, String::new());
    let key = list.cell(0, table.id());
    list.rows = true;
    list.page = Page::first(u32::try_from(entries.len()).unwrap_or(u32::MAX));
    let keys = entries.iter().copied().map(Value::Int).collect();
    list.filter = Filter::All(vec![Filter::Column(table.id(), Test::In(keys)), filter.clone()]);
    let loaded = read::list(scope, &list).await?;
    Ok(loaded.rows.iter().filter_map(|row| row[key].key()).collect())
}

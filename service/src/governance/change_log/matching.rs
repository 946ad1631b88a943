//! Judges entries by the row as it was after them.

use std::fmt::Write as _;

use sea_orm::Value as Bind;

use crate::{
    error::Result,
    read::{self, Filter, List, Page, Sql, Test},
    scope::Scope,
    store::Engine,
    table::{Kind, Table},
    value::Value,
};

/// Which of these entries, about rows of `table`, tell of a row that passes `filter`: the row is the one
/// of the entry, what it points to is as it is now.
pub(super) async fn matching(
    scope: &Scope,
    entries: &[i64],
    table: &'static Table,
    filter: &Filter,
) -> Result<Vec<i64>> {
    let engine = scope.store().engine();
    let mut sql = Sql::new(engine, scope.organization());
    match engine {
        Engine::Postgres => {
            let keys = entries.iter().copied().map(Value::Int).collect();
            let keys = sql.bind(Value::array(keys, Kind::BigInt));
            sql.push(&format!(
                "SELECT c.\"id\" FROM \"changes\" c CROSS JOIN LATERAL \
                 jsonb_populate_record(NULL::\"{}\", c.\"after\") t WHERE c.\"id\" = ANY({keys}) \
                 AND c.\"organization_id\" = $1 AND c.\"after\" IS NOT NULL AND c.\"kind\" NOT IN ('linked', 'unlinked', 'imported') AND ",
                table.name
            ));
        }
        Engine::Sqlite => {
            let keys = sql.bind(Bind::String(Some(serde_json::Value::from(entries).to_string())));
            sql.push("SELECT t.change_id FROM (SELECT c.\"id\" AS change_id");
            for column in &table.columns {
                let name = column.name;
                let _ = match column.kind {
                    // As text of JSON, in which a text keeps its quotes.
                    Kind::Json => write!(
                        sql.text,
                        ", NULLIF(c.\"after\" -> '$.{name}', 'null') AS \"{name}\""
                    ),
                    _ => write!(sql.text, ", c.\"after\" ->> '$.{name}' AS \"{name}\""),
                };
            }
            sql.push(&format!(
                " FROM \"changes\" c WHERE c.\"id\" IN (SELECT value FROM json_each({keys})) \
                 AND c.\"organization_id\" = ?1 AND c.\"after\" IS NOT NULL AND c.\"kind\" NOT IN ('linked', 'unlinked', 'imported')) t WHERE "
            ));
        }
    }
    filter.write(&mut sql, table, "t");
    let rows = scope.store().read(sql.finish()).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// Which of these entries pass `filter`.
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

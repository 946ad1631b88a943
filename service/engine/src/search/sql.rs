//! SQL of the search.

use std::{collections::BTreeMap, fmt::Write as _};

use sea_orm::{Statement, Value as Bind};

use super::{
    Hit, Query, STEPS, SearchedTable, numbered,
    query::{How, Where, sign},
};
use crate::{
    scope::Scope,
    store::{Engine, visible_records},
};

/// Maximum length of displayed texts in characters, equal to the maximum length of indexed texts.
const MAX_TEXT_LENGTH: u32 = 100_000;

/// The statement for the number of matches per entity and the best rows of each entity. The columns are entity, level
/// and primary key; a count has level -1. The same row may be returned at several levels.
pub(super) fn statement(
    scope: &Scope,
    searched: &[SearchedTable],
    query: &Query,
    kinds: &[usize],
    wanted: u32,
) -> Statement {
    let engine = scope.store().engine();
    let (sql, binds) = match engine {
        Engine::Postgres => on_postgres(scope, searched, query, kinds, wanted),
        Engine::Sqlite => on_sqlite(scope, searched, query, kinds, wanted),
    };
    engine.statement(&sql, binds)
}

/// The condition for the documents of rows that a restricted caller sees.
fn visible(scope: &Scope, searched: &[SearchedTable], entity: &str, record: &str) -> String {
    let mut condition = String::new();
    if scope.is_restricted() {
        let tables = searched.iter().map(|one| (one.declared.number, one.table));
        visible_records(&mut condition, tables, entity, record);
    }
    condition
}

fn on_postgres(
    scope: &Scope,
    searched: &[SearchedTable],
    query: &Query,
    kinds: &[usize],
    wanted: u32,
) -> (String, Vec<Bind>) {
    let mut binds: Vec<Bind> = Vec::new();
    let mut steps = String::new();
    for (number, text) in each_step(|place, how| query.tsquery(place, how)) {
        let _ = write!(steps, " WHEN \"words\" @@ {TSQUERY} THEN {number}");
        binds.push(sign(&text).into());
    }
    let all = query.tsquery(STEPS[5].0, STEPS[5].1).unwrap_or_default();
    binds.extend([scope.organization().into(), sign(&all).into()]);
    let kinds = numbers(kinds);
    let visible = visible(scope, searched, "\"entity\"", "\"record_id\"");
    let sql = format!(
        "WITH \"hits\" AS MATERIALIZED (SELECT \"entity\"::bigint \"kind\", \"record_id\", \
         (CASE{steps} ELSE 5 END)::bigint \"step\" FROM \"search_documents\" \
         WHERE \"organization_id\" = {{}} AND \"words\" @@ {TSQUERY} AND \"entity\" IN ({kinds}){visible}), \
         \"counts\" AS MATERIALIZED (SELECT \"kind\", count(*) \"rows\" FROM \"hits\" GROUP BY 1) \
         SELECT \"kind\", (-1)::bigint, \"rows\" FROM \"counts\" UNION ALL \
         SELECT c.\"kind\", x.\"step\", x.\"record_id\" FROM \"counts\" c CROSS JOIN LATERAL (\
         SELECT h.\"step\", h.\"record_id\" FROM \"hits\" h WHERE h.\"kind\" = c.\"kind\" \
         ORDER BY h.\"step\", h.\"record_id\" DESC LIMIT {wanted}) x"
    );
    (sql, binds)
}

/// The levels with their indexes in [`STEPS`], formatted by `told`. A level equal to an earlier level is skipped.
fn each_step(told: impl Fn(Where, How) -> Option<String>) -> Vec<(usize, String)> {
    let mut steps: Vec<(usize, String)> = Vec::new();
    for (number, (place, how, _)) in STEPS.iter().enumerate() {
        if let Some(text) = told(*place, *how)
            && steps.iter().all(|(_, known)| *known != text)
        {
            steps.push((number, text));
        }
    }
    steps
}

/// The search query as a subquery, which is evaluated once instead of once per row.
const TSQUERY: &str = "(SELECT search_query({}))";

/// The tokens that match all documents of the organization, for FTS5.
pub(super) fn everything(scope: &Scope, searched: &[SearchedTable]) -> String {
    let kinds = searched.iter().map(|one| one.declared.number);
    let tokens = kinds.map(|kind| format!("\"o{}t{kind}\"", scope.organization()));
    tokens.collect::<Vec<_>>().join(" OR ")
}

/// Each prefix search costs as much as searching for all words with that prefix. Matches are therefore counted once
/// for all entities, and rows are read only for entities with matches.
fn on_sqlite(
    scope: &Scope,
    searched: &[SearchedTable],
    query: &Query,
    kinds: &[usize],
    wanted: u32,
) -> (String, Vec<Bind>) {
    let (place, how, _) = STEPS[5];
    let documents = |kind: &usize| format!("\"o{}t{kind}\"", scope.organization());
    let all: Vec<_> = kinds.iter().map(documents).collect();
    let mut binds: Vec<Bind> = Vec::new();
    binds.push(query.fts5(&all.join(" OR "), place, how).unwrap_or_default().into());
    let visible = visible(scope, searched, "(rowid & 15)", "(rowid >> 4)");
    let mut sql = format!(
        "WITH \"counts\" AS MATERIALIZED (SELECT rowid & 15 \"kind\", count(*) \"rows\" \
         FROM \"search_documents\" WHERE \"search_documents\" MATCH {{}}{visible} GROUP BY 1) \
         SELECT \"kind\", -1, \"rows\" FROM \"counts\""
    );
    for kind in kinds {
        let documents = documents(kind);
        for (number, text) in each_step(|place, how| query.fts5(&documents, place, how)) {
            binds.push(text.into());
            let _ = write!(
                sql,
                " UNION ALL SELECT * FROM (SELECT {kind}, {number}, rowid >> 4 \
                 FROM \"search_documents\" WHERE \"search_documents\" MATCH iif(EXISTS (SELECT 1 \
                 FROM \"counts\" WHERE \"kind\" = {kind}), {{}}, '{{scope}} : none'){visible} \
                 ORDER BY rowid DESC LIMIT {wanted})"
            );
        }
    }
    (sql, binds)
}

/// The statement for the texts of these rows: entity, primary key, then the columns of the entity.
pub(super) fn texts(scope: &Scope, all: &[SearchedTable], hits: &[Hit]) -> Statement {
    let engine = scope.store().engine();
    let mut keys: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for hit in hits {
        keys.entry(hit.kind).or_default().push(hit.id);
    }
    let most = all.iter().map(|one| one.declared.columns.len()).max().unwrap_or_default();
    let (cast, number, none) = match engine {
        Engine::Postgres => ("::text", "::bigint", "NULL::text"),
        Engine::Sqlite => ("", "", "NULL"),
    };
    let mut binds: Vec<Bind> = Vec::new();
    let mut parts = Vec::new();
    for (kind, keys) in keys {
        let Some(searched) = numbered(all, kind) else { continue };
        let columns = (0..most).map(|place| {
            searched.declared.columns.get(place).map_or_else(
                || none.to_owned(),
                |column| format!("substr(\"{column}\"{cast}, 1, {MAX_TEXT_LENGTH})"),
            )
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let among = engine.among(&keys, &mut binds);
        binds.push(scope.organization().into());
        parts.push(format!(
            "SELECT {kind}{number}, \"id\", {columns} FROM \"{}\" WHERE \"id\" {among} \
             AND {}\"organization_id\" = {{}}",
            searched.table.name,
            engine.not_by()
        ));
    }
    engine.statement(&parts.join(" UNION ALL "), binds)
}

fn numbers(kinds: &[usize]) -> String {
    kinds.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

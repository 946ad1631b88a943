//! Removes the demo data of an organization: the demo rows that have not been changed or referenced since their
//! creation.
//!
//! Demo rows are not marked. The demo data is determined by its reference date and its scale, so it is generated again
//! and compared with the stored rows. A demo row has the same id and creation time as a generated row.

use std::collections::HashSet;

use engine::{
    change_log::kind,
    error::Result,
    progress::Progress,
    scope::Scope,
    store::Engine,
    table::Table,
    value::{Kind, Value},
    write::Unit,
};

use super::{
    recognize::{Part, creation_time, first, parts, recognize, stored},
    rows::Story,
};
use crate::{crm, usage};

/// Number of rows compared and removed per step.
const CHUNK: usize = 1_000;

/// Maximum number of ids of retained rows in the result.
const EXAMPLES: usize = 20;

/// Result of the removal for one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Table name, e.g. `prospects`.
    pub table: &'static str,
    /// Demo rows that are removed.
    pub removed: u64,
    /// Demo rows retained because they have been changed.
    pub changed: u64,
    /// Demo rows retained because other retained rows reference them.
    pub referenced: u64,
    /// Ids of some retained rows.
    pub examples: Vec<i64>,
}

/// Removes the demo rows that have not been changed or referenced since their creation, in one transaction. Without
/// `commit`, this is a dry run.
///
/// # Errors
/// [`engine::Error::NotFound`] if the organization has no demo data.
pub async fn remove(scope: &Scope, commit: bool, progress: &dyn Progress) -> Result<Vec<Removal>> {
    let mut unit = Unit::begin(scope).await?;
    let story = recognize(&unit).await?;
    let references = foreign_keys(&unit).await?;
    let mut removals = Vec::new();
    for part in parts() {
        progress.begin(part.table.name, None);
        let first = match part.table.name {
            "industries" => Some(story.first.industries),
            "solutions" => Some(story.first.solutions),
            "events" => Some(story.first.events),
            "companies" => Some(story.first.companies),
            "prospects" => Some(story.first.prospects),
            "message_templates" => Some(story.first.templates),
            _ => first(&unit, &part, &story).await?,
        };
        let mut removal = Removal { table: part.table.name, ..Removal::default() };
        if let Some(first) = first {
            remove_unchanged_rows(
                &mut unit,
                &part,
                (&story, first),
                &references,
                &mut removal,
                progress,
            )
            .await?;
        }
        progress.finish();
        removals.push(removal);
    }
    if commit {
        // The rows were removed by statements that don't count them.
        unit.recount(&[crm::prospect::table(), crm::prospect_research::table()]).await?;
        unit.commit().await?;
    }
    Ok(removals)
}

/// A column that references a table.
struct Reference {
    from: String,
    column: String,
    to: String,
}

/// All foreign keys, as declared in the database, so tables added later are included.
async fn foreign_keys(unit: &Unit) -> Result<Vec<Reference>> {
    let sql = match unit.scope().engine() {
        Engine::Sqlite => {
            "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[cardinality(c.conkey)] \
             WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace ORDER BY 1, 2"
        }
    };
    let rows = unit.query(sql, Vec::new()).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(Reference {
            from: row.try_get_by_index(0)?,
            column: row.try_get_by_index(1)?,
            to: row.try_get_by_index(2)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Compares a table with the demo data, row by row, and removes rows that have not been changed or referenced.
async fn remove_unchanged_rows(
    unit: &mut Unit,
    part: &Part,
    (story, first): (&Story, i64),
    references: &[Reference],
    removal: &mut Removal,
    progress: &dyn Progress,
) -> Result<()> {
    let table = part.table;
    let mut told = (part.rows)(story, first).peekable();
    let mut from = first;
    while told.peek().is_some() {
        let there = stored(unit, part, from, CHUNK).await?;
        let Some(last) = there.last() else { break };
        from = last.id + 1;
        let mut unchanged = Vec::new();
        for row in &there {
            let id = |told: &Vec<Value>| told[table.id()].key().unwrap_or_default();
            while told.next_if(|told| id(told) < row.id).is_some() {}
            let Some(told) = told.next_if(|told| id(told) == row.id) else { continue };
            if creation_time(table, &told) != row.made {
                continue;
            }
            let same = told[table.column_named(part.column)] == row.value;
            if row.is_written || !same {
                removal.changed += 1;
                stays(removal, row.id);
            } else {
                unchanged.push(row.id);
            }
        }
        progress.advance(there.len() as u64);
        let pointed_to = referenced(unit, table, &unchanged, references, story).await?;
        removal.referenced += pointed_to.len() as u64;
        for id in unchanged.iter().filter(|id| pointed_to.contains(id)) {
            stays(removal, *id);
        }
        unchanged.retain(|id| !pointed_to.contains(id));
        delete(unit, table, &unchanged, story).await?;
        removal.removed += unchanged.len() as u64;
    }
    if removal.removed > 0 {
        let rows = serde_json::json!({ "rows": removal.removed });
        unit.note(table, None, kind::DELETED, Some(rows), None);
    }
    Ok(())
}

fn stays(removal: &mut Removal, id: i64) {
    if removal.examples.len() < EXAMPLES {
        removal.examples.push(id);
    }
}

/// Links of the demo data between industries and solutions, which are deleted with their solution.
const OWN_LINKS: &str = "industry_solutions";

/// The subset of these rows that other rows reference.
async fn referenced(
    unit: &Unit,
    table: &Table,
    ids: &[i64],
    references: &[Reference],
    story: &Story,
) -> Result<HashSet<i64>> {
    let mut found = HashSet::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for reference in references.iter().filter(|reference| reference.to == table.name) {
        let Reference { from, column, .. } = reference;
        let mut binds = Vec::new();
        let among = unit.scope().engine().among(ids, &mut binds);
        let mut sql =
            format!("SELECT DISTINCT \"{column}\" FROM \"{from}\" WHERE \"{column}\" {among}");
        if from == OWN_LINKS && column == "solution_id" {
            sql.push_str(" AND \"created_at\" <> {}");
            binds.push(Value::Time(story.long_ago()).bind(Kind::Time));
        }
        for row in &unit.query(&sql, binds).await? {
            found.insert(row.try_get_by_index(0)?);
        }
    }
    Ok(found)
}

async fn delete(unit: &Unit, table: &Table, ids: &[i64], story: &Story) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let (engine, organization) = (unit.scope().engine(), unit.scope().organization());
    if table.name == "solutions" {
        let mut binds = vec![Value::Time(story.long_ago()).bind(Kind::Time)];
        let among = engine.among(ids, &mut binds);
        let sql = format!(
            "DELETE FROM \"{OWN_LINKS}\" WHERE \"created_at\" = {{}} AND \"solution_id\" {among}"
        );
        unit.execute(&sql, binds).await?;
    }
    if table.name == usage::llm_usage_log::table().name {
        usage::daily_cost_summary::subtract_llm(unit, ids).await?;
    }
    let mut binds = vec![organization.into()];
    let among = engine.among(ids, &mut binds);
    let sql = format!(
        "DELETE FROM \"{}\" WHERE \"organization_id\" = {{}} AND \"id\" {among}",
        table.name
    );
    unit.execute(&sql, binds).await?;
    Ok(())
}

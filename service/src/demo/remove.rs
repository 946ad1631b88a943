//! Removes the demo set from an organization: the rows that nobody has changed or referenced since.
//!
//! Nothing marks a row of the demo set. The set is the same for a day and a scale, so it is told again and compared with what
//! is stored: a row of it has the id and the creation time that the set gives it.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use super::{First, Scale, rows::Story};
use crate::{
    crm,
    error::{Error, Result},
    governance::change_log::kind,
    offer, outreach,
    progress::Progress,
    scope::Scope,
    store::Engine,
    table::{Kind, Table},
    usage,
    value::Value,
    write::Unit,
};

/// Rows compared and removed at a time.
const CHUNK: usize = 1_000;

/// How many rows of the beginning of a table may have been deleted, for the rest to be recognized still.
const MOST_DELETED: usize = 1_000;

/// How many of the first rows of a table are compared to recognize it.
const COMPARED: usize = 20;

/// Rows that stay, of which examples are listed.
const EXAMPLES: usize = 20;

/// What becomes of the rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// The table: `prospects`.
    pub table: &'static str,
    /// Rows of the demo set that are removed.
    pub removed: u64,
    /// Rows of the demo set that stay, because somebody has changed them.
    pub changed: u64,
    /// Rows of the demo set that stay, because other rows that stay point to them.
    pub referenced: u64,
    /// Ids of some of the rows that stay.
    pub examples: Vec<i64>,
}

/// A table of the demo set: how it is told, and the column that its rows are compared by besides the creation time.
struct Part {
    table: &'static Table,
    column: &'static str,
    rows: fn(&Story, i64) -> Rows<'_>,
}

type Rows<'s> = Box<dyn Iterator<Item = Vec<Value>> + Send + 's>;

/// The tables, those that others point to last.
fn parts() -> [Part; 9] {
    [
        Part {
            table: usage::llm_usage_log::table(),
            column: "prompt_tokens",
            rows: |story, first| Box::new(story.usage(first)),
        },
        Part {
            table: crm::prospect_research::table(),
            column: "prospect_id",
            rows: |story, first| Box::new(story.research(first)),
        },
        Part {
            table: outreach::outreach_draft::table(),
            column: "prospect_id",
            rows: |story, first| Box::new(story.drafts(first)),
        },
        Part {
            table: outreach::interaction::table(),
            column: "prospect_id",
            rows: |story, first| Box::new(story.interactions(first)),
        },
        Part {
            table: crm::prospect::table(),
            column: "email",
            rows: |story, _| Box::new(story.prospects()),
        },
        Part {
            table: crm::company::table(),
            column: "name",
            rows: |story, _| Box::new(story.companies()),
        },
        Part {
            table: offer::event::table(),
            column: "event_type",
            rows: |story, _| Box::new(story.events()),
        },
        Part {
            table: offer::solution::table(),
            column: "name",
            rows: |story, _| Box::new(story.solutions()),
        },
        Part {
            table: offer::industry::table(),
            column: "name",
            rows: |story, _| Box::new(story.industries()),
        },
    ]
}

/// Removes the rows of the demo set that nobody has changed or referenced since; without `commit` only tells what that would
/// be (a dry run). All or nothing.
///
/// # Errors
/// [`Error::NotFound`] when the organization has no demo set.
pub async fn remove(scope: &Scope, commit: bool, progress: &dyn Progress) -> Result<Vec<Removal>> {
    let mut unit = Unit::begin(scope).await?;
    let story = recognize(&unit).await?;
    let references = references(&unit).await?;
    let mut removals = Vec::new();
    for part in parts() {
        progress.begin(part.table.name, None);
        let first = match part.table.name {
            "industries" => Some(story.first.industries),
            "solutions" => Some(story.first.solutions),
            "events" => Some(story.first.events),
            "companies" => Some(story.first.companies),
            "prospects" => Some(story.first.prospects),
            _ => first(&unit, &part, &story).await?,
        };
        let mut removal = Removal { table: part.table.name, ..Removal::default() };
        if let Some(first) = first {
            part_of(&mut unit, &part, (&story, first), &references, &mut removal, progress).await?;
        }
        progress.finish();
        removals.push(removal);
    }
    if commit {
        unit.commit().await?;
    }
    Ok(removals)
}

/// The demo set that the organization has: its day, its scale, and the ids that its tables begin at.
async fn recognize(unit: &Unit) -> Result<Story> {
    let none = || {
        Error::NotFound("a demo set (rows as `seed` writes them) of this organization".to_owned())
    };
    let organization = unit.scope().organization();
    let days = days(unit).await?;
    for now in days {
        for scale in [Scale::Huge, Scale::Large, Scale::Medium, Scale::Small] {
            let zero = First { industries: 0, solutions: 0, events: 0, companies: 0, prospects: 0 };
            let mut story = Story::new(organization, now, scale, zero);
            let [.., prospects, companies, events, solutions, industries] = &parts();
            let Some(companies_from) = first(unit, companies, &story).await? else { continue };
            story.first.companies = companies_from;
            // A smaller set has no row where the last ones of this would be.
            if !reaches(unit, companies, &story, scale.companies()).await? {
                continue;
            }
            // Without a first row every row of a table is gone, or somebody's own.
            let none = i64::MAX / 2;
            story.first.industries = first(unit, industries, &story).await?.unwrap_or(none);
            story.first.solutions = first(unit, solutions, &story).await?.unwrap_or(none);
            story.first.events = first(unit, events, &story).await?.unwrap_or(none);
            story.first.prospects = first(unit, prospects, &story).await?.unwrap_or(none);
            return Ok(story);
        }
    }
    Err(none())
}

/// The days on which a demo set may have been written: its industries, solutions and events are 400 days older.
async fn days(unit: &Unit) -> Result<Vec<DateTime<Utc>>> {
    let mut days = Vec::new();
    for table in [offer::industry::table(), offer::solution::table(), offer::event::table()] {
        let sql = format!(
            "SELECT DISTINCT \"created_at\" FROM \"{}\" WHERE \"organization_id\" = {{}} ORDER BY 1 LIMIT 50",
            table.name
        );
        for row in &unit.query(&sql, vec![unit.scope().organization().into()]).await? {
            if let Some(made) = Value::read(row, 0, Kind::Time)?.time() {
                days.push(made + Duration::days(400));
            }
        }
    }
    days.dedup();
    Ok(days)
}

/// A stored row, as far as it is compared.
struct Stored {
    id: i64,
    made: Option<DateTime<Utc>>,
    is_written: bool,
    value: Value,
}

/// Stored rows of the organization from an id on, in their order.
async fn stored(unit: &Unit, part: &Part, from: i64, most: usize) -> Result<Vec<Stored>> {
    let table = part.table;
    let column = &table.columns[table.column(part.column)];
    let written = match table.find("revision") {
        Some(_) => "\"revision\" > 1 OR \"updated_at\" <> \"created_at\"",
        None => "\"updated_at\" <> \"created_at\"",
    };
    let sql = format!(
        "SELECT \"id\", \"created_at\", CASE WHEN {written} THEN 1 ELSE 0 END, \"{}\" FROM \"{}\" \
         WHERE \"organization_id\" = {{}} AND \"id\" >= {{}} ORDER BY \"id\" LIMIT {most}",
        part.column, table.name
    );
    let rows = unit.query(&sql, vec![unit.scope().organization().into(), from.into()]).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(Stored {
            id: row.try_get_by_index(0)?,
            made: Value::read(row, 1, Kind::Time)?.time(),
            is_written: row.try_get_by_index::<i32>(2)? == 1,
            value: Value::read(row, 3, column.kind)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The creation time of a row of the set.
fn made(table: &Table, row: &[Value]) -> Option<DateTime<Utc>> {
    row[table.column("created_at")].time()
}

/// The id that the rows of a table begin at, where it has rows of the set: somebody may have deleted the first ones.
async fn first(unit: &Unit, part: &Part, story: &Story) -> Result<Option<i64>> {
    let there = stored(unit, part, 0, COMPARED).await?;
    let Some(lowest) = there.first() else { return Ok(None) };
    let told = (part.rows)(story, 0).take(MOST_DELETED + COMPARED);
    let told: Vec<_> = told.map(|row| made(part.table, &row)).collect();
    let fits = |deleted: &usize| {
        let same = there.iter().filter(|row| {
            let place = usize::try_from(row.id - lowest.id).unwrap_or(usize::MAX);
            let place = place.saturating_add(*deleted);
            told.get(place).is_some_and(|made| made.is_some() && *made == row.made)
        });
        same.count() * 2 > there.len()
    };
    let deleted = (0..told.len().min(MOST_DELETED)).find(fits);
    Ok(deleted.map(|deleted| lowest.id - i64::try_from(deleted).unwrap_or_default()))
}

/// Whether the companies reach as far as those of the scale do: one of its last ones is there.
async fn reaches(unit: &Unit, companies: &Part, story: &Story, count: i64) -> Result<bool> {
    let from = (count - i64::try_from(MOST_DELETED).unwrap_or_default()).max(count / 2);
    let stored = stored(unit, companies, story.first.companies + from, MOST_DELETED).await?;
    let places: HashSet<(i64, Option<DateTime<Utc>>)> =
        stored.iter().map(|row| (row.id, row.made)).collect();
    let skipped = usize::try_from(from).unwrap_or_default();
    let mut told = (companies.rows)(story, story.first.companies).skip(skipped);
    Ok(told.any(|row| {
        let id = row[companies.table.id()].key().unwrap_or_default();
        places.contains(&(id, made(companies.table, &row)))
    }))
}

/// A column that points to a table.
struct Reference {
    from: String,
    column: String,
    to: String,
}

/// All columns that point to rows, as the database knows them: a table that is added later is among them.
async fn references(unit: &Unit) -> Result<Vec<Reference>> {
    let sql = match unit.scope().engine() {
        Engine::Sqlite => {
            "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
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

/// Compares a table with the set, row by row, and removes what nobody has changed or referenced.
async fn part_of(
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
            if made(table, &told) != row.made {
                continue;
            }
            let same = told[table.column(part.column)] == row.value;
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

/// Links of the demo set between industries and solutions: they go with their solution.
const OWN_LINKS: &str = "industry_solutions";

/// Those of these rows that other rows point to.
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

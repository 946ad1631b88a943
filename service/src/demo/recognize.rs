//! Detects the demo data of an organization: its reference date, its scale, and the first id of each table.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use engine::{
    error::{Error, Result},
    table::Table,
    value::{Kind, Value},
    write::Unit,
};

use super::{
    First, Scale,
    rows::{Edition, Story},
};
use crate::{crm, ingest, offer, outreach, usage};

/// Maximum number of deleted rows at the start of a table for the rest to be detected.
const MAX_DELETED: usize = 1_000;

/// Number of initial rows of a table that are compared.
const COMPARED: usize = 20;

/// A table of the demo data: its row generator, and the column compared in addition to the creation time.
pub(super) struct Part {
    pub(super) table: &'static Table,
    pub(super) column: &'static str,
    pub(super) rows: fn(&Story, i64) -> Rows<'_>,
}

pub(super) type Rows<'s> = Box<dyn Iterator<Item = Vec<Value>> + Send + 's>;

/// The tables, referenced tables last.
pub(super) fn parts() -> [Part; 12] {
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
            table: ingest::import_record::table(),
            column: "record_index",
            rows: |story, first| Box::new(story.import_records(0, first)),
        },
        Part {
            table: ingest::import_job::table(),
            column: "name",
            rows: |story, first| Box::new(story.import_jobs(first)),
        },
        Part {
            table: outreach::outreach_draft::table(),
            column: "prospect_id",
            rows: |story, first| Box::new(story.drafts(first)),
        },
        Part {
            table: outreach::message_template::table(),
            column: "name",
            rows: |story, _| Box::new(story.templates()),
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

/// The demo data of the organization: its reference date, its scale, and the first id of each table.
pub(super) async fn recognize(unit: &Unit) -> Result<Story> {
    let none =
        || Error::NotFound("demo data (rows created by `seed`) in this organization".to_owned());
    let organization = unit.scope().organization();
    let days = days(unit).await?;
    let scales = [Scale::Huge, Scale::Large, Scale::Medium, Scale::Small];
    let editions = [Edition::Year, Edition::HalfYear];
    for now in days {
        for (edition, scale) in
            editions.into_iter().flat_map(|edition| scales.map(|scale| (edition, scale)))
        {
            let zero = First {
                industries: 0,
                solutions: 0,
                events: 0,
                companies: 0,
                prospects: 0,
                templates: 0,
            };
            let mut story = Story::new(organization, now, scale, edition, zero);
            let parts = parts();
            let [.., prospects, companies, events, solutions, industries] = &parts;
            let templates = outreach::message_template::table();
            let templates = parts.iter().find(|part| std::ptr::eq(part.table, templates));
            let Some(companies_from) = first(unit, companies, &story).await? else { continue };
            story.first.companies = companies_from;
            // Demo data of a smaller scale does not have the last companies of this scale.
            if !reaches(unit, companies, &story, scale.companies()).await? {
                continue;
            }
            // Without a match, all rows of the table have been deleted or were created by users.
            let none = i64::MAX / 2;
            story.first.industries = first(unit, industries, &story).await?.unwrap_or(none);
            story.first.solutions = first(unit, solutions, &story).await?.unwrap_or(none);
            story.first.events = first(unit, events, &story).await?.unwrap_or(none);
            let templates = match templates {
                Some(part) => first(unit, part, &story).await?,
                None => None,
            };
            story.first.templates = templates.unwrap_or(none);
            story.first.prospects = first(unit, prospects, &story).await?.unwrap_or(none);
            return Ok(story);
        }
    }
    Err(none())
}

/// Possible reference dates of the demo data. Its industries, solutions and events were created 400 days earlier.
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

/// The compared values of a stored row.
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) made: Option<DateTime<Utc>>,
    pub(super) is_written: bool,
    pub(super) value: Value,
}

/// Stored rows of the organization from an id on, in ascending order.
pub(super) async fn stored(
    unit: &Unit,
    part: &Part,
    from: i64,
    most: usize,
) -> Result<Vec<Stored>> {
    let table = part.table;
    let column = &table.columns[table.column_named(part.column)];
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

/// Creation time of a generated row.
pub(super) fn creation_time(table: &Table, row: &[Value]) -> Option<DateTime<Utc>> {
    row[table.column_named("created_at")].time()
}

/// First id of the table, if it has rows of the demo data. The first rows may have been deleted.
pub(super) async fn first(unit: &Unit, part: &Part, story: &Story) -> Result<Option<i64>> {
    // Rows of users may follow those of a table with few demo rows.
    let compared = (part.rows)(story, 0).take(COMPARED).count();
    let there = stored(unit, part, 0, compared).await?;
    let Some(lowest) = there.first() else { return Ok(None) };
    let told = (part.rows)(story, 0).take(MAX_DELETED + COMPARED);
    let told: Vec<_> = told.map(|row| creation_time(part.table, &row)).collect();
    let fits = |deleted: &usize| {
        let same = there.iter().filter(|row| {
            let place = usize::try_from(row.id - lowest.id).unwrap_or(usize::MAX);
            let place = place.saturating_add(*deleted);
            told.get(place).is_some_and(|made| made.is_some() && *made == row.made)
        });
        same.count() * 2 > there.len()
    };
    let deleted = (0..told.len().min(MAX_DELETED)).find(fits);
    Ok(deleted.map(|deleted| lowest.id - i64::try_from(deleted).unwrap_or_default()))
}

/// Whether the companies reach the size of the scale: one of its last companies exists.
async fn reaches(unit: &Unit, companies: &Part, story: &Story, count: i64) -> Result<bool> {
    let from = (count - i64::try_from(MAX_DELETED).unwrap_or_default()).max(count / 2);
    let stored = stored(unit, companies, story.first.companies + from, MAX_DELETED).await?;
    let places: HashSet<(i64, Option<DateTime<Utc>>)> =
        stored.iter().map(|row| (row.id, row.made)).collect();
    let skipped = usize::try_from(from).unwrap_or_default();
    let mut told = (companies.rows)(story, story.first.companies).skip(skipped);
    Ok(told.any(|row| {
        let id = row[companies.table.id()].key().unwrap_or_default();
        places.contains(&(id, creation_time(companies.table, &row)))
    }))
}

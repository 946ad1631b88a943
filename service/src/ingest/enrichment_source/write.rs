//! Writes the rows of the source, a chunk at a time, each with the key it had there.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::ingest::source_import;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{
    Brought,
    beside::own,
    cell::Cell,
    conclude::follow,
    record::{Keys, record, target},
    source::{Source, SourceRow},
    tables::{SourceTable, TABLES},
};
use crate::{
    error::{Error, Result},
    ingest::{external_id, import_record, list},
    progress::Progress,
    scope::Scope,
    table::{Kind, Table},
    value::Value,
    write::{Record, Unit},
};

/// Notes that a source is brought over under a name; refuses another under the same, unless somebody says that it is one.
#[expect(clippy::disallowed_methods, reason = "tables of the import itself, by its organization")]
pub(super) async fn begin(scope: &Scope, system: &str, source: &str, is_told: bool) -> Result<()> {
    let known = source_import::Entity::find()
        .filter(source_import::Column::OrganizationId.eq(scope.organization()))
        .filter(source_import::Column::System.eq(system))
        .all(scope.store().write())
        .await?;
    if known.iter().any(|known| known.source == source) {
        return Ok(());
    }
    if let (Some(other), false) = (known.first(), is_told) {
        return Err(Error::Conflict(format!(
            "{} was brought over as `{system}` already, and rows are known by their keys there: when this is another \
             source name it (--system NAME), when it is the same in another place say so (--system {system})",
            other.source
        )));
    }
    let now = scope.now().fixed_offset();
    let row = source_import::ActiveModel {
        organization_id: Set(scope.organization()),
        system: Set(system.to_owned()),
        source: Set(source.to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    row.insert(scope.store().write()).await?;
    Ok(())
}

/// Notes that everything of a source is in.
#[expect(clippy::disallowed_methods, reason = "tables of the import itself, by its organization")]
pub(super) async fn end(scope: &Scope, system: &str, source: &str) -> Result<()> {
    let known = source_import::Entity::find()
        .filter(source_import::Column::OrganizationId.eq(scope.organization()))
        .filter(source_import::Column::System.eq(system))
        .filter(source_import::Column::Source.eq(source))
        .one(scope.store().write())
        .await?;
    let Some(known) = known else { return Ok(()) };
    let now = scope.now().fixed_offset();
    let row = source_import::ActiveModel {
        id: Set(known.id),
        finished_at: Set(Some(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    row.update(scope.store().write()).await?;
    Ok(())
}

/// Brings a table over.
pub(super) async fn table(
    scope: &Scope,
    source: &Source,
    system: &str,
    table: &SourceTable,
    progress: &dyn Progress,
) -> Result<Brought> {
    let mut brought = Brought { table: table.name, ..Brought::default() };
    let mut after = i64::MIN;
    let mut judging = list::Judging::default();
    loop {
        let rows = source.rows(table.name, table.columns, after).await?;
        let Some(last) = rows.last() else { return Ok(brought) };
        after = last.place;
        let mut unit = Unit::begin(scope).await?;
        chunk(&mut unit, system, table, &rows, &mut brought, &mut judging).await?;
        unit.commit().await?;
        progress.advance(rows.len() as u64);
    }
}

async fn chunk(
    unit: &mut Unit,
    system: &str,
    table: &SourceTable,
    rows: &[SourceRow],
    brought: &mut Brought,
    judging: &mut list::Judging,
) -> Result<()> {
    let keys = pointed_to(unit, system, table, rows).await?;
    let dates = dates_of_jobs(unit, &keys).await?;
    let mut by_table: Vec<(&'static Table, Vec<(String, Record)>)> = Vec::new();
    for row in rows {
        let key = row.cells.get(table.key).map(Cell::key).unwrap_or_default();
        let is_there = |(column, to, _): &&(&'static str, &'static str, bool)| {
            keys.contains_key(&(*to, row.cells[column].key()))
        };
        let mut needed = table.references.iter().filter(|(_, _, is_needed)| *is_needed);
        if !needed.all(|one| is_there(&one)) {
            // What it belongs to was deleted here.
            continue;
        }
        // A row without its time is as old as its job: today's spending limit is not touched by what was spent before.
        let job = row.cells.get("job_id").map(|job| ("jobs", job.key()));
        let date = job.and_then(|job| dates.get(keys.get(&job)?)).copied();
        let record = record(table, row, &keys, Value::Time(date.unwrap_or(unit.now())));
        match by_table.iter_mut().find(|(known, _)| std::ptr::eq(*known, record.table())) {
            Some((_, rows)) => rows.push((key, record)),
            None => by_table.push((record.table(), vec![(key, record)])),
        }
    }
    for (target, rows) in by_table {
        let known = known(unit, system, target, rows.iter().map(|(key, _)| key.clone())).await?;
        let (old, mut new): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(key, _)| known.contains_key(key));
        for (key, record) in old {
            match refresh(unit, record, known[&key], judging).await? {
                Refreshed::Same => {}
                Refreshed::Changed => brought.changed += 1,
                Refreshed::Kept => brought.kept += 1,
            }
        }
        let mut left = Vec::new();
        let mut taken = HashSet::new();
        for (key, mut record) in new {
            match own(unit, &mut record, &mut taken).await? {
                Some((id, is_written)) => {
                    if is_written {
                        brought.new += 1;
                    } else {
                        brought.kept += 1;
                    }
                    put_keys(unit, system, target, vec![(key, id)], is_written).await?;
                }
                None => left.push((key, record)),
            }
        }
        new = left;
        if new.is_empty() {
            continue;
        }
        let ids = unit.reserve_keys(target, new.len()).await?;
        let mut pairs = Vec::with_capacity(new.len());
        let mut records = Vec::with_capacity(new.len());
        for ((key, mut record), id) in new.into_iter().zip(ids) {
            record.set("id", Value::Int(id));
            record.set("organization_id", Value::Int(unit.scope().organization()));
            pairs.push((key, id));
            records.push(record);
        }
        if target.name == import_record::table().name {
            judging.judge(unit, &mut records).await?;
        }
        brought.new += records.len() as u64;
        unit.insert_brought(records).await?;
        put_keys(unit, system, target, pairs, true).await?;
    }
    Ok(())
}

/// The rows here that rows of a table point to.
async fn pointed_to(
    unit: &Unit,
    system: &str,
    table: &SourceTable,
    rows: &[SourceRow],
) -> Result<Keys> {
    let mut keys = Keys::new();
    for (column, to, _) in table.references {
        let to_table = TABLES.iter().find(|table| table.name == *to);
        let Some(target) = to_table.zip(rows.first()).map(|(to, row)| target(to, row)) else {
            continue;
        };
        let there = rows.iter().map(|row| row.cells[column].key()).filter(|key| !key.is_empty());
        let known = known(unit, system, target, there).await?;
        let ids: Vec<i64> = known.values().copied().collect();
        let left = there_still(unit, target, &ids).await?;
        for (key, id) in known.into_iter().filter(|(_, id)| left.contains(id)) {
            keys.insert((*to, key), id);
        }
    }
    Ok(keys)
}

/// When the jobs that rows point to were completed, or made.
async fn dates_of_jobs(unit: &Unit, keys: &Keys) -> Result<HashMap<i64, DateTime<Utc>>> {
    let ids: Vec<i64> =
        keys.iter().filter(|((table, _), _)| *table == "jobs").map(|(_, id)| *id).collect();
    let mut dates = HashMap::new();
    if ids.is_empty() {
        return Ok(dates);
    }
    let mut binds = vec![unit.scope().organization().into()];
    let among = unit.scope().engine().among(&ids, &mut binds);
    let sql = format!(
        "SELECT \"id\", COALESCE(\"completed_at\", \"created_at\") FROM \"import_jobs\" \
         WHERE \"organization_id\" = {{}} AND \"id\" {among}"
    );
    for row in &unit.query(&sql, binds).await? {
        if let Value::Time(date) = Value::read(row, 1, Kind::Time)? {
            dates.insert(row.try_get_by_index(0)?, date);
        }
    }
    Ok(dates)
}

/// Those of these rows that nobody has deleted here.
async fn there_still(unit: &Unit, target: &Table, ids: &[i64]) -> Result<HashSet<i64>> {
    let engine = unit.scope().engine();
    let mut binds = vec![unit.scope().organization().into()];
    let among = engine.among(ids, &mut binds);
    let sql = format!(
        "SELECT \"id\" FROM \"{}\" WHERE {}\"organization_id\" = {{}} AND \"id\" {among}",
        target.name,
        engine.not_by()
    );
    let rows = unit.query(&sql, binds).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The rows of a table here that have these keys there.
async fn known(
    unit: &Unit,
    system: &str,
    target: &Table,
    keys: impl Iterator<Item = String>,
) -> Result<HashMap<String, i64>> {
    let mut keys: Vec<String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found = HashMap::new();
    for keys in keys.chunks(500) {
        let places = vec!["{}"; keys.len()].join(", ");
        let sql = format!(
            "SELECT \"external_key\", \"entity_id\" FROM \"external_ids\" WHERE \"organization_id\" = {{}} \
             AND \"system\" = {{}} AND \"entity_type\" = {{}} AND \"external_key\" IN ({places})"
        );
        let mut binds =
            vec![unit.scope().organization().into(), system.into(), target.called.into()];
        binds.extend(keys.iter().map(|key| key.clone().into()));
        for row in unit.query(&sql, binds).await? {
            found.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    Ok(found)
}

async fn put_keys(
    unit: &mut Unit,
    system: &str,
    target: &Table,
    pairs: Vec<(String, i64)>,
    is_written: bool,
) -> Result<()> {
    let rows = pairs.into_iter().map(|(key, id)| {
        let mut row = Record::new(external_id::table());
        row.set("entity_type", Value::Text(target.called.to_owned()));
        row.set("entity_id", Value::Int(id));
        row.set("system", Value::Text(system.to_owned()));
        row.set("external_key", Value::Text(key));
        let synced = if is_written { Value::Time(unit.now()) } else { Value::Null };
        row.set("last_synced_at", synced);
        row
    });
    let rows = rows.collect();
    unit.insert_all(rows).await
}

enum Refreshed {
    Same,
    Changed,
    Kept,
}

/// Columns that are written here only.
const OWN: [&str; 26] = [
    "id",
    "organization_id",
    "revision",
    "updated_at",
    "created_at",
    "promotion_status",
    "verdict",
    "reason",
    "candidates",
    "mapped_data",
    "email",
    "enriched_records",
    "name",
    "scope",
    "prospect_id",
    "company_id",
    // The document lets two have the same, and be active.
    "version",
    "is_active",
    // What the document does not know.
    "skipped_records",
    "resumes_at",
    "source_job_id",
    "committed_by",
    "match_reason",
    "decision",
    "locale",
    // It may be made up.
    "expires_at",
];

/// Writes what the source has got since into a row that nobody has written here. Ledgers are not written again.
async fn refresh(
    unit: &mut Unit,
    fresh: Record,
    id: i64,
    judging: &mut list::Judging,
) -> Result<Refreshed> {
    let table = fresh.table();
    if table.find("revision").is_none() {
        return Ok(Refreshed::Same);
    }
    // One that was deleted here stays deleted.
    let Some(before) = unit.find(table, id).await? else { return Ok(Refreshed::Same) };
    let mut after = before.clone();
    for (place, column) in table.columns.iter().enumerate() {
        let is_told = column.nullable || *fresh.at(place) != Value::Null;
        if !OWN.contains(&column.name) && is_told {
            after.set_at(place, fresh.at(place).clone());
        }
    }
    if before.difference(&after).is_empty() {
        return Ok(Refreshed::Same);
    }
    let sql = "SELECT \"last_synced_at\" FROM \"external_ids\" WHERE \"organization_id\" = {} \
               AND \"entity_type\" = {} AND \"entity_id\" = {} ORDER BY \"id\" LIMIT 1";
    let binds = vec![unit.scope().organization().into(), table.called.into(), id.into()];
    let rows = unit.query(sql, binds).await?;
    let synced = match rows.first() {
        Some(row) => Value::read(row, 0, Kind::Time)?.time(),
        None => None,
    };
    // What only stands beside ours was never the source's.
    let Some(synced) = synced else { return Ok(Refreshed::Same) };
    if before.time("updated_at") > Some(synced) {
        return Ok(Refreshed::Kept);
    }
    if table.name == import_record::table().name {
        judging.judge(unit, std::slice::from_mut(&mut after)).await?;
    }
    unit.update(&before, after).await?;
    follow(unit, table, id).await?;
    Ok(Refreshed::Changed)
}

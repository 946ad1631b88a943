//! Writes the rows of the source in chunks, with their source keys.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    progress::Progress,
    record::Record,
    scope::Scope,
    table::Table,
    value::{Kind, Value},
    write::{GrowthStatistics, Unit},
};
use entity::ingest::source_import;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{
    CHUNK, ImportedTable,
    cell::Cell,
    conflicts::{own, own_cache_entries},
    key_set::KeySet,
    record::{Keys, record, target, targets},
    refresh::refresh_all,
    run::Run,
    source::{Source, SourceRow},
    tables::{SourceTable, TABLES},
};
use crate::{
    imports,
    ingest::{enrichment_cache_entry, external_id, import_record},
};

/// Records the import of a source under a name. If a source at another address was imported under the same name, the
/// import is rejected, unless the caller confirms that it is the same source.
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
        return Err(Error::Conflict(
            engine::Reason::SourceInvalid,
            format!(
                "{} is already imported as `{system}`, and rows are identified by their keys in it; name \
                 another source with --system NAME, or confirm that this is the same source with --system {system}",
                other.source
            ),
        ));
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

/// Records that a source has been imported completely.
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

/// Imports a table.
pub(super) async fn table(
    scope: &Scope,
    source: &Source,
    system: &str,
    table: &'static SourceTable,
    run: &mut Run,
    progress: &dyn Progress,
) -> Result<ImportedTable> {
    let mut brought = ImportedTable { table: table.name, ..ImportedTable::default() };
    let mut after = i64::MIN;
    let mut judging = imports::VerdictContext::default();
    let mut there = KeySet::default();
    let mut statistics = GrowthStatistics::default();
    let mut grown = targets(table);
    grown.push(external_id::table());
    // The rows of each job that have not been imported yet.
    let mut left = match table.name {
        "records" => source.counts_by(table.name, "job_id").await?,
        _ => HashMap::new(),
    };
    loop {
        let rows = source.rows(table.name, table.columns, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.place;
        let count = rows.len() as u64;
        for key in rows.iter().filter_map(|row| Some(row.cells.get(table.key)?.key())) {
            there.insert(&[&key]);
        }
        let mut complete = Vec::new();
        for job in rows.iter().filter_map(|row| Some(row.cells.get("job_id")?.key())) {
            if let Some(left) = left.get_mut(&job) {
                *left -= 1;
                if *left == 0 {
                    complete.push(job);
                }
            }
        }
        let rows = run.accepted(table, rows);
        let mut unit = Unit::begin(scope).await?;
        let chunk = (rows.as_slice(), run.cache_days);
        let keys = chunk_in(&mut unit, system, table, chunk, &mut brought, &mut judging).await?;
        unit.commit().await?;
        statistics.chunk_committed(scope.store(), &grown).await;
        for job in complete {
            if let Some(job) = keys.get(&("jobs", job)) {
                judging.forget(*job);
            }
        }
        progress.advance(count);
    }
    brought.deleted = deleted(scope, system, table, &there).await?;
    Ok(brought)
}

/// The expiry of a cache entry that has no expiry in the source.
fn end_of_cache_entry(entry: &Record, days: i64) -> Value {
    // Timestamps in later years would not sort correctly as text.
    let last = DateTime::<Utc>::from_timestamp(253_402_214_400, 0);
    let made = entry
        .time(enrichment_cache_entry::Column::CreatedAt)
        .map(|made| made + TimeDelta::days(days))
        .min(last);
    made.map_or(Value::Null, Value::Time)
}

/// The number of rows from earlier runs that no longer exist in the source.
async fn deleted(scope: &Scope, system: &str, table: &SourceTable, there: &KeySet) -> Result<u64> {
    let mut deleted = 0;
    for target in targets(table) {
        let mut after = String::new();
        loop {
            let sql = format!(
                "SELECT \"external_key\" FROM \"external_ids\" WHERE \"organization_id\" = {{}} \
                 AND \"system\" = {{}} AND \"entity_type\" = {{}} AND \"external_key\" > {{}} \
                 ORDER BY \"external_key\" LIMIT {CHUNK}"
            );
            let binds = vec![
                scope.organization().into(),
                system.into(),
                target.called.into(),
                after.clone().into(),
            ];
            let rows = scope.store().query(&sql, binds).await?;
            let Some(last) = rows.last() else { break };
            after = last.try_get_by_index(0)?;
            for row in &rows {
                let key: String = row.try_get_by_index(0)?;
                deleted += u64::from(!there.contains(&[&key]));
            }
        }
    }
    Ok(deleted)
}

/// Imports the rows of a chunk. Returns the imported rows that they reference.
async fn chunk_in(
    unit: &mut Unit,
    system: &str,
    table: &SourceTable,
    (rows, cache_days): (&[SourceRow], i64),
    brought: &mut ImportedTable,
    judging: &mut imports::VerdictContext,
) -> Result<Keys> {
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
            // The parent row was deleted here.
            continue;
        }
        // A row without a timestamp gets the timestamp of its job, so that past spending does not count toward
        // today's spend limit.
        let job = row.cells.get("job_id").map(|job| ("jobs", job.key()));
        let date = job.and_then(|job| dates.get(keys.get(&job)?)).copied();
        let made = Value::Time(date.unwrap_or(unit.now()));
        let record = record(table, row, &keys, made);
        match by_table.iter_mut().find(|(known, _)| std::ptr::eq(*known, record.table())) {
            Some((_, rows)) => rows.push((key, record)),
            None => by_table.push((record.table(), vec![(key, record)])),
        }
    }
    for (target, rows) in by_table {
        let known =
            known_external_ids(unit, system, target, rows.iter().map(|(key, _)| key.clone()))
                .await?;
        let (old, mut new): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(key, _)| known.contains_key(key));
        let old = old.into_iter().map(|(key, record)| (record, known[&key])).collect();
        let (changed, kept) = refresh_all(unit, target, old, judging).await?;
        brought.changed += changed;
        brought.kept += kept;
        let cached = own_cache_entries(unit, target, &new).await?;
        let mut left = Vec::new();
        let mut taken = HashSet::new();
        for (key, mut record) in new {
            match own(unit, &mut record, &mut taken, &cached).await? {
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
            if target.name == enrichment_cache_entry::table().name
                && !record.has(enrichment_cache_entry::Column::ExpiresAt)
            {
                record.set(
                    enrichment_cache_entry::Column::ExpiresAt,
                    end_of_cache_entry(&record, cache_days),
                );
            }
            record.set_at(target.id(), Value::Int(id));
            record.set_at(
                target.column_named("organization_id"),
                Value::Int(unit.scope().organization()),
            );
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
    Ok(keys)
}

/// The imported rows that the rows of a table reference.
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
        let known = known_external_ids(unit, system, target, there).await?;
        let ids: Vec<i64> = known.values().copied().collect();
        let left = there_still(unit, target, &ids).await?;
        for (key, id) in known.into_iter().filter(|(_, id)| left.contains(id)) {
            keys.insert((*to, key), id);
        }
    }
    Ok(keys)
}

/// The completion times, or else the creation times, of the referenced jobs.
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

/// Returns which of these rows have not been deleted here.
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

/// The imported rows of a table for these source keys.
async fn known_external_ids(
    unit: &Unit,
    system: &str,
    target: &Table,
    keys: impl Iterator<Item = String>,
) -> Result<HashMap<String, i64>> {
    let mut keys: Vec<String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    let mut binds = vec![unit.scope().organization().into(), system.into(), target.called.into()];
    let among = unit.scope().engine().among_texts(keys, &mut binds);
    let sql = format!(
        "SELECT \"external_key\", \"entity_id\" FROM \"external_ids\" WHERE \"organization_id\" = {{}} \
         AND \"system\" = {{}} AND \"entity_type\" = {{}} AND \"external_key\" {among}"
    );
    let mut found = HashMap::new();
    for row in unit.query(&sql, binds).await? {
        found.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
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
        row.set(external_id::Column::EntityType, Value::Text(target.called.to_owned()));
        row.set(external_id::Column::EntityId, Value::Int(id));
        row.set(external_id::Column::System, Value::Text(system.to_owned()));
        row.set(external_id::Column::ExternalKey, Value::Text(key));
        let synced = if is_written { Value::Time(unit.now()) } else { Value::Null };
        row.set(external_id::Column::LastSyncedAt, synced);
        row
    });
    let rows = rows.collect();
    unit.insert_all(rows).await
}

//! Updates of rows from an earlier run that have changed in the source since.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use engine::{error::Result, record::Record, table::Table, value::Value, write::Unit};
use entity::ingest::external_id;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::finalize::mark_synced;
use crate::{
    imports,
    ingest::{enrichment_cache_entry, import_job, import_record},
};

/// Columns that are not updated from the source.
const OWN: [&str; 22] = [
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
    "scope",
    "prospect_id",
    "company_id",
    // Columns that the document does not have.
    "skipped_records",
    "resumes_at",
    "source_job_id",
    "match_reason",
    "decision",
    "locale",
    "provider_message",
];

/// Whether a column is not updated from the source. In the document, several templates with the same name and version
/// may be active at the same time; here, only one of them is active.
fn is_own(table: &Table, column: &str) -> bool {
    let by_table: &[&str] = match table.name {
        "message_templates" => &["name", "version", "is_active"],
        // The user who commits the job is set by this server.
        _ if table.name == import_job::table().name => &[],
        _ if table.name == enrichment_cache_entry::table().name => &[],
        _ => &["name", "version", "is_active"],
    };
    OWN.contains(&column) || by_table.contains(&column)
}

/// Updates rows to their new values in the source, unless they were modified here. Ledgers are never updated. Returns the
/// numbers of updated rows, and of rows that changed both in the source and here.
pub(super) async fn refresh_all(
    unit: &mut Unit,
    table: &'static Table,
    rows: Vec<(Record, i64)>,
    judging: &mut imports::VerdictContext,
) -> Result<(u64, u64)> {
    if table.find("revision").is_none() || rows.is_empty() {
        return Ok((0, 0));
    }
    let keys: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
    unit.preload(table, &keys).await?;
    let mut differing = Vec::new();
    for (fresh, id) in rows {
        // A row that was deleted here stays deleted.
        let Some(before) = unit.find(table, id).await? else { continue };
        let mut after = before.clone();
        for (place, column) in table.columns.iter().enumerate() {
            let is_told = column.nullable || *fresh.at(place) != Value::Null;
            if !is_own(table, column.name) && is_told {
                after.set_at(place, fresh.at(place).clone());
            }
        }
        if !before.difference(&after).is_empty() {
            differing.push((before, after));
        }
    }
    if differing.is_empty() {
        unit.write_batch().await?;
        return Ok((0, 0));
    }
    let keys: Vec<i64> = differing.iter().map(|(before, _)| before.id()).collect();
    let synced = synced_at(unit, table, &keys).await?;
    // A row that was only matched, not imported, does not belong to the source.
    differing.retain(|(before, _)| synced.contains_key(&before.id()));
    let is_unmodified = |before: &Record| before.updated_at() <= synced.get(&before.id()).copied();
    let all = differing.len() as u64;
    differing.retain(|(before, _)| is_unmodified(before));
    let changed = differing.len() as u64;
    let (before, mut after): (Vec<Record>, Vec<Record>) = differing.into_iter().unzip();
    if table.name == import_record::table().name {
        judging.judge(unit, &mut after).await?;
    }
    unit.begin_batch();
    let keys: Vec<i64> = before.iter().map(Record::id).collect();
    for (before, after) in before.into_iter().zip(after) {
        unit.update(&before, after).await?;
    }
    unit.write_batch().await?;
    mark_synced(unit, table, &keys).await?;
    Ok((changed, all - changed))
}

/// When rows were last in sync with a source. Rows that were never are omitted. If several sources have a row, the one
/// that had it first counts.
async fn synced_at(
    unit: &Unit,
    table: &Table,
    keys: &[i64],
) -> Result<HashMap<i64, DateTime<Utc>>> {
    use external_id::Column;
    let synced = unit
        .scope()
        .select::<external_id::Entity>()
        .filter(Column::EntityType.eq(table.called))
        .filter(Column::EntityId.is_in(keys.iter().copied()))
        .order_by_desc(Column::Id)
        .select_only()
        .columns([Column::EntityId, Column::LastSyncedAt]);
    let synced: Vec<(i64, Option<DateTime<Utc>>)> = unit.tuples(&synced).await?;
    let first: HashMap<_, _> = synced.into_iter().collect();
    Ok(first.into_iter().filter_map(|(id, synced)| Some((id, synced?))).collect())
}

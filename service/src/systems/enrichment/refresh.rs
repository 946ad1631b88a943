//! Updates of rows from an earlier run that have changed in the source since.

use chrono::{DateTime, Utc};
use engine::{error::Result, record::Record, table::Table, value::Value, write::Unit};
use entity::ingest::external_id;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::finalize::mark_synced;
use crate::{
    imports,
    ingest::{enrichment_cache_entry, import_job, import_record},
};

/// The result for a row.
pub(super) enum Refreshed {
    Same,
    Changed,
    Kept,
}

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

/// Updates a row to its new values in the source, unless the row was modified here. Ledgers are never updated.
pub(super) async fn refresh(
    unit: &mut Unit,
    fresh: Record,
    id: i64,
    judging: &mut imports::VerdictContext,
) -> Result<Refreshed> {
    let table = fresh.table();
    if table.find("revision").is_none() {
        return Ok(Refreshed::Same);
    }
    // A row that was deleted here stays deleted.
    let Some(before) = unit.find(table, id).await? else { return Ok(Refreshed::Same) };
    let mut after = before.clone();
    for (place, column) in table.columns.iter().enumerate() {
        let is_told = column.nullable || *fresh.at(place) != Value::Null;
        if !is_own(table, column.name) && is_told {
            after.set_at(place, fresh.at(place).clone());
        }
    }
    if before.difference(&after).is_empty() {
        return Ok(Refreshed::Same);
    }
    let synced = unit
        .scope()
        .select::<external_id::Entity>()
        .filter(external_id::Column::EntityType.eq(table.called))
        .filter(external_id::Column::EntityId.eq(id))
        .order_by_asc(external_id::Column::Id)
        .select_only()
        .column(external_id::Column::LastSyncedAt);
    let synced = unit.tuple::<Option<DateTime<Utc>>, _>(synced).await?.flatten();
    // A row that was only matched, not imported, does not belong to the source.
    let Some(synced) = synced else { return Ok(Refreshed::Same) };
    if before.updated_at() > Some(synced) {
        return Ok(Refreshed::Kept);
    }
    if table.name == import_record::table().name {
        judging.judge(unit, std::slice::from_mut(&mut after)).await?;
    }
    unit.update(&before, after).await?;
    mark_synced(unit, table, id).await?;
    Ok(Refreshed::Changed)
}

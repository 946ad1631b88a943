//! Rows that came in with an earlier run and that the source has written since.

use super::conclude::follow;
use crate::{
    error::Result,
    ingest::{enrichment_cache_entry, import_job, import_record, list},
    table::{Kind, Table},
    value::Value,
    write::{Record, Unit},
};

/// What became of a row.
pub(super) enum Refreshed {
    Same,
    Changed,
    Kept,
}

/// Columns that are written here only.
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
    // What the document does not know.
    "skipped_records",
    "resumes_at",
    "source_job_id",
    "match_reason",
    "decision",
    "locale",
    "provider_message",
];

/// Whether a column is written here only. Templates of the document may share a name and a version, and be active together:
/// here one of them is.
fn is_own(table: &Table, column: &str) -> bool {
    let by_table: &[&str] = match table.name {
        "message_templates" => &["name", "version", "is_active"],
        // Who lets a job be written here is written there.
        _ if table.name == import_job::table().name => &[],
        _ if table.name == enrichment_cache_entry::table().name => &[],
        _ => &["name", "version", "is_active"],
    };
    OWN.contains(&column) || by_table.contains(&column)
}

/// Writes what the source has got since into a row that nobody has written here. Ledgers are not written again.
pub(super) async fn refresh(
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
        if !is_own(table, column.name) && is_told {
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

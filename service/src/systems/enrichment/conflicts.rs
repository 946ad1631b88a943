//! Conflicts: rows of the source for which a row with the same unique value already exists.

use entity::ingest::enrichment_cache_entry;
use entity::outreach::message_template;
use std::collections::HashSet;

use engine::{error::Result, record::Record, value::Value, write::Unit};

use crate::governance::setting;

/// Returns the primary key of the existing row that a new row conflicts with, and whether it was updated from the
/// source. An existing setting is updated to the value of the source; an existing cache entry is unchanged. A template
/// does not conflict, but gets the next free version; `taken` contains the versions used in this chunk.
pub(super) async fn own(
    unit: &mut Unit,
    fresh: &mut Record,
    taken: &mut HashSet<(String, String, i64)>,
) -> Result<Option<(i64, bool)>> {
    let organization = unit.scope().organization();
    match fresh.table().name {
        "settings" => Ok(own_setting(unit, fresh).await?.map(|id| (id, true))),
        "enrichment_cache" => {
            let sql = "SELECT \"id\" FROM \"enrichment_cache\" WHERE \"organization_id\" = {} \
                       AND \"lookup_type\" = {} AND \"cache_key\" = {}";
            let binds = vec![
                organization.into(),
                fresh.text(enrichment_cache_entry::Column::LookupType).into(),
                fresh.text(enrichment_cache_entry::Column::CacheKey).into(),
            ];
            let rows = unit.query(sql, binds).await?;
            let id = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
            Ok(id.map(|id| (id, false)))
        }
        "message_templates" => {
            let slot = |version| {
                let text = |column: message_template::Column| fresh.text(column).to_owned();
                (
                    text(message_template::Column::Name),
                    text(message_template::Column::TemplateType),
                    version,
                )
            };
            let sql = "SELECT \"version\" FROM \"message_templates\" WHERE \"organization_id\" = {} \
                       AND \"name\" = {} AND \"template_type\" = {}";
            let binds = vec![
                organization.into(),
                fresh.text(message_template::Column::Name).into(),
                fresh.text(message_template::Column::TemplateType).into(),
            ];
            for row in unit.query(sql, binds).await? {
                taken.insert(slot(row.try_get_by_index::<i32>(0)?.into()));
            }
            let mut version = fresh.number(message_template::Column::Version).unwrap_or(1);
            while !taken.insert(slot(version)) {
                version = if version >= i32::MAX.into() { 1 } else { version + 1 };
            }
            fresh.set(message_template::Column::Version, Value::Int(version));
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Updates an existing setting with the value of the source; returns its primary key.
async fn own_setting(unit: &mut Unit, fresh: &Record) -> Result<Option<i64>> {
    let key = unit.scope().engine().folded("key");
    let sql = format!(
        "SELECT \"id\" FROM \"settings\" WHERE \"organization_id\" = {{}} AND {key} = {{}}"
    );
    let folded = fresh.text(setting::Column::Key).to_ascii_lowercase();
    let rows = unit.query(&sql, vec![unit.scope().organization().into(), folded.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let before = unit.get(setting::table(), row.try_get_by_index(0)?, "id").await?;
    let mut after = before.clone();
    for column in [setting::Column::Value, setting::Column::ValueType, setting::Column::Description]
    {
        after.set(column, fresh.value(column).clone());
    }
    unit.update(&before, after).await?;
    Ok(Some(before.id()))
}

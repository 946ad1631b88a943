//! Conflicts: rows of the source for which a row with the same unique value already exists.

use std::collections::{HashMap, HashSet};

use engine::{error::Result, record::Record, table::Table, value::Value, write::Unit};
use entity::{ingest::enrichment_cache_entry, outreach::message_template};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect, sea_query::Expr};

use crate::governance::setting;

/// Returns the primary key of the existing row that a new row conflicts with, and whether it was updated from the
/// source. An existing setting is updated to the value of the source; an existing cache entry is unchanged. A template
/// does not conflict, but gets the next free version; `taken` contains the versions used in this chunk.
pub(super) async fn own(
    unit: &mut Unit,
    fresh: &mut Record,
    taken: &mut HashSet<(String, String, i64)>,
    cached: &HashMap<(String, String), i64>,
) -> Result<Option<(i64, bool)>> {
    match fresh.table().name {
        "settings" => Ok(own_setting(unit, fresh).await?.map(|id| (id, true))),
        "enrichment_cache" => Ok(cached.get(&place_of(fresh)).map(|id| (*id, false))),
        "message_templates" => {
            use message_template::Column;
            let slot = |version| {
                let text = |column: message_template::Column| fresh.text(column).to_owned();
                (text(Column::Name), text(Column::TemplateType), version)
            };
            let versions = unit
                .scope()
                .select::<message_template::Entity>()
                .filter(Column::Name.eq(fresh.text(Column::Name)))
                .filter(Column::TemplateType.eq(fresh.text(Column::TemplateType)))
                .select_only()
                .column(Column::Version);
            for version in unit.tuples::<i32>(&versions).await? {
                taken.insert(slot(version.into()));
            }
            let mut version = fresh.number(Column::Version).unwrap_or(1);
            while !taken.insert(slot(version)) {
                version = if version >= i32::MAX.into() { 1 } else { version + 1 };
            }
            fresh.set(Column::Version, Value::Int(version));
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The lookup type and the key of a cache entry.
fn place_of(entry: &Record) -> (String, String) {
    use enrichment_cache_entry::Column;
    (entry.text(Column::LookupType).to_owned(), entry.text(Column::CacheKey).to_owned())
}

/// The existing cache entries at the places of new ones, by lookup type and key. One statement.
pub(super) async fn own_cache_entries(
    unit: &Unit,
    target: &Table,
    fresh: &[(String, Record)],
) -> Result<HashMap<(String, String), i64>> {
    use enrichment_cache_entry::Column;
    if target.name != "enrichment_cache" || fresh.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = fresh.iter().map(|(_, entry)| entry.text(Column::CacheKey).to_owned());
    let known = unit
        .scope()
        .select::<enrichment_cache_entry::Entity>()
        .filter(Column::CacheKey.is_in(keys))
        .select_only()
        .columns([Column::LookupType, Column::CacheKey, Column::Id]);
    let known: Vec<(String, String, i64)> = unit.tuples(&known).await?;
    Ok(known.into_iter().map(|(kind, key, id)| ((kind, key), id)).collect())
}

/// Updates an existing setting with the value of the source; returns its primary key.
async fn own_setting(unit: &mut Unit, fresh: &Record) -> Result<Option<i64>> {
    let key = Expr::cust(unit.scope().engine().folded(setting::Column::Key.name()));
    let folded = fresh.text(setting::Column::Key).to_ascii_lowercase();
    let own = unit.scope().select::<setting::Entity>().filter(key.eq(folded));
    let own = own.select_only().column(setting::Column::Id);
    let Some(id) = unit.tuple(own).await? else { return Ok(None) };
    let before = unit.get(setting::table(), id, "id").await?;
    let mut after = before.clone();
    for column in [setting::Column::Value, setting::Column::ValueType, setting::Column::Description]
    {
        after.set(column, fresh.value(column).clone());
    }
    unit.update(&before, after).await?;
    Ok(Some(before.id()))
}

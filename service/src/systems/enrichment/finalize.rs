//! Updates that depend on the imported rows.

use engine::{error::Result, scope::Scope, table::Table, value::Value, write::Unit};
use entity::ingest::external_id;
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};

use crate::{ingest::import_job, outreach::message_template};

/// Records that rows are in sync with the source. One statement.
pub(super) async fn mark_synced(unit: &Unit, table: &Table, keys: &[i64]) -> Result<()> {
    let row = unit
        .scope()
        .update::<external_id::Entity>()
        .col_expr(external_id::Column::LastSyncedAt, Expr::value(unit.now()))
        .col_expr(external_id::Column::UpdatedAt, Expr::value(unit.now()))
        .filter(external_id::Column::EntityType.eq(table.called))
        .filter(external_id::Column::EntityId.is_in(keys.iter().copied()));
    unit.run(&row).await?;
    Ok(())
}

/// Performs the updates that depend on the rows of a table: stores the numbers of enriched and skipped records of each
/// job, and deactivates all active versions of a template except the newest one.
pub(super) async fn conclude(scope: &Scope, system: &str, table: &str) -> Result<()> {
    let mut unit = Unit::begin(scope).await?;
    let organization = scope.organization();
    match table {
        "records" => {
            let sql = "SELECT r.\"import_job_id\", \
                       COUNT(CASE WHEN r.\"status\" = 'enriched' THEN 1 END), \
                       COUNT(CASE WHEN r.\"status\" = 'skipped' THEN 1 END) FROM \"import_records\" r \
                       WHERE r.\"organization_id\" = {} AND r.\"import_job_id\" IN (SELECT \"entity_id\" \
                       FROM \"external_ids\" WHERE \"organization_id\" = {} AND \"system\" = {} \
                       AND \"entity_type\" = 'import_job') GROUP BY r.\"import_job_id\" ORDER BY 1";
            let binds = vec![organization.into(), organization.into(), system.into()];
            for row in unit.query(sql, binds).await? {
                let job: i64 = row.try_get_by_index(0)?;
                let Some(before) = unit.find(import_job::table(), job).await? else { continue };
                let mut after = before.clone();
                for (place, column) in [
                    (1, import_job::Column::EnrichedRecords),
                    (2, import_job::Column::SkippedRecords),
                ] {
                    after.set(column, Value::Int(row.try_get_by_index(place)?));
                }
                if !before.difference(&after).is_empty() {
                    unit.update(&before, after).await?;
                    mark_synced(&unit, import_job::table(), &[job]).await?;
                }
            }
        }
        "email_templates" => {
            let sql = "SELECT t.\"id\" FROM \"message_templates\" t WHERE t.\"organization_id\" = {} \
                       AND t.\"is_active\" AND EXISTS (SELECT 1 FROM \"message_templates\" n \
                       WHERE n.\"organization_id\" = t.\"organization_id\" AND n.\"name\" = t.\"name\" \
                       AND n.\"template_type\" = t.\"template_type\" AND n.\"is_active\" \
                       AND n.\"version\" > t.\"version\") ORDER BY t.\"id\"";
            for row in unit.query(sql, vec![organization.into()]).await? {
                let template = row.try_get_by_index(0)?;
                let table = message_template::table();
                let Some(before) = unit.find(table, template).await? else { continue };
                let mut after = before.clone();
                after.set(message_template::Column::IsActive, Value::Bool(false));
                unit.update(&before, after).await?;
                mark_synced(&unit, table, &[template]).await?;
            }
        }
        _ => return Ok(()),
    }
    unit.commit().await
}

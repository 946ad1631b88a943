//! Import rows that contain data of a person, for data export, erasure and merges of prospects.

use engine::{
    error::Result,
    record::Record,
    store::Engine,
    value::Value,
    write::{Unit, ownership::Tables},
};
use entity::crm::prospect;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QueryResult, Value as Bind, sea_query::Expr};
use serde_json::Value as Json;

use crate::ingest::{
    import_job::{self, kind},
    import_record::{self, promotion, status},
};

/// The import rows about a person: rows linked to the prospect, rows with the same e-mail address, and duplicates of
/// these rows in the same file.
async fn rows_of(unit: &Unit, person: &Record) -> Result<Vec<Record>> {
    let columns = import_record::table().column_list();
    let select =
        format!("SELECT {columns} FROM \"import_records\" WHERE \"organization_id\" = {{}}");
    let organization = unit.scope().organization();
    let mut found: Vec<Record> = Vec::new();
    let lower = person.text(prospect::Column::Email).to_lowercase();
    let key = person.text(prospect::Column::EmailKey).to_owned();
    let emails = if lower == key { vec![lower] } else { vec![lower, key] };
    let emails =
        emails.into_iter().map(|email| (import_record::Column::Email.name(), email.into()));
    for (column, value) in
        std::iter::once((import_record::Column::ProspectId.name(), Bind::from(person.id())))
            .chain(emails)
    {
        let sql = format!("{select} AND \"{column}\" = {{}} ORDER BY \"id\"");
        add(&mut found, &unit.query(&sql, vec![organization.into(), value]).await?)?;
    }
    for row in found.clone() {
        let job = row.key(import_record::Column::ImportJobId)?;
        let index = row.number(import_record::Column::RecordIndex).unwrap_or_default();
        let (same, bind): (&str, Bind) = match unit.scope().store().engine() {
            Engine::Postgres => (
                "\"candidates\" @> CAST({} AS text)::jsonb",
                format!("[{{\"recordIndex\": {index}}}]").into(),
            ),
            Engine::Sqlite => (
                "EXISTS (SELECT 1 FROM json_each(\"candidates\") c \
                 WHERE json_extract(c.value, '$.recordIndex') = {})",
                index.into(),
            ),
        };
        let sql = format!(
            "{select} AND \"import_job_id\" = {{}} AND \"verdict\" IN ('skip', 'update') AND {same} \
             ORDER BY \"id\""
        );
        add(&mut found, &unit.query(&sql, vec![organization.into(), job.into(), bind]).await?)?;
    }
    Ok(found)
}

fn add(found: &mut Vec<Record>, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let row = Record::read(import_record::table(), row, 0)?;
        if found.iter().all(|known| known.id() != row.id()) {
            found.push(row);
        }
    }
    Ok(())
}

/// Erases the import rows about a person.
pub(crate) fn erase<'a>(
    unit: &'a mut Unit,
    tables: Tables,
    person: &'a Record,
) -> BoxFuture<'a, Result<usize>> {
    Box::pin(async move {
        let mut deleted = 0;
        for row in rows_of(unit, person).await? {
            leave(unit, &row).await?;
            deleted += unit.erase_owned(tables, &row, person.id()).await?;
            let own = (import_record::Column::Id, row.id().into());
            deleted += unit.erase_below(import_record::table(), own, person.id()).await?;
        }
        Ok(deleted)
    })
}

/// The import rows about a person, for an export.
pub(crate) fn export<'a>(
    unit: &'a mut Unit,
    person: &'a Record,
) -> BoxFuture<'a, Result<Vec<Json>>> {
    Box::pin(async move {
        Ok(rows_of(unit, person).await?.iter().map(import_record::readable).collect())
    })
}

/// Removes a row from the counters of its job.
async fn leave(unit: &mut Unit, row: &Record) -> Result<()> {
    let job = row.key(import_record::Column::ImportJobId)?;
    let Some(job) = unit.find(import_job::table(), job).await? else { return Ok(()) };
    let was_filled = *row.value(import_record::Column::ReplacedData) != Value::Null
        && row.number(import_record::Column::FoundRevision).is_some();
    let kind = match row.text(import_record::Column::PromotionStatus) {
        _ if job.text(import_job::Column::Kind) == kind::ENRICHMENT => {
            match row.text(import_record::Column::Status) {
                status::ENRICHED => Some(import_job::Column::EnrichedRecords),
                status::FAILED => Some(import_job::Column::FailedRecords),
                status::SKIPPED => Some(import_job::Column::SkippedRecords),
                _ => None,
            }
        }
        promotion::NONE => None,
        promotion::FAILED => Some(import_job::Column::FailedRecords),
        promotion::MATCHED | promotion::UNDONE | promotion::KEPT if was_filled => {
            Some(import_job::Column::UpdatedRecords)
        }
        // Written rows stay in their counter, even if they were undone.
        promotion::CREATED | promotion::UNDONE | promotion::KEPT => {
            Some(import_job::Column::CreatedRecords)
        }
        _ => Some(import_job::Column::SkippedRecords),
    };
    let mut after = job.clone();
    for column in kind
        .into_iter()
        .chain(kind.map(|_| import_job::Column::ProcessedRecords))
        .chain([import_job::Column::TotalRecords])
    {
        after.set(column, Value::Int(job.number(column).unwrap_or_default() - 1));
    }
    unit.update(&job, after).await?;
    Ok(())
}

/// Disables the undo for a merged prospect: imported values can no longer be distinguished from other values.
pub(super) fn merged(unit: &mut Unit, prospect: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let rows = unit
            .scope()
            .update::<import_record::Entity>()
            .col_expr(import_record::Column::WrittenRevision, Expr::value(None::<i32>))
            .filter(import_record::Column::ProspectId.eq(prospect));
        unit.run(&rows).await?;
        Ok(())
    })
}

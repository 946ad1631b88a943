//! Import rows that contain data of a person, for data export, erasure and merges of prospects.

use engine::{
    error::Result,
    record::Record,
    store::Engine,
    value::Value,
    write::{Unit, ownership::Tables},
};
use futures_util::future::BoxFuture;
use sea_orm::{QueryResult, Value as Bind};
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
    let lower = person.text("email").to_lowercase();
    let key = person.text("email_key").to_owned();
    let emails = if lower == key { vec![lower] } else { vec![lower, key] };
    let emails = emails.into_iter().map(|email| ("email", email.into()));
    for (column, value) in std::iter::once(("prospect_id", Bind::from(person.id()))).chain(emails) {
        let sql = format!("{select} AND \"{column}\" = {{}} ORDER BY \"id\"");
        add(&mut found, &unit.query(&sql, vec![organization.into(), value]).await?)?;
    }
    for row in found.clone() {
        let job = row.key("import_job_id")?;
        let index = row.number("record_index").unwrap_or_default();
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
            let own = ("id", row.id().into());
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
    let job = row.key("import_job_id")?;
    let Some(job) = unit.find(import_job::table(), job).await? else { return Ok(()) };
    let was_filled =
        *row.value("replaced_data") != Value::Null && row.number("found_revision").is_some();
    let kind = match row.text("promotion_status") {
        _ if job.text("kind") == kind::ENRICHMENT => match row.text("status") {
            status::ENRICHED => Some("enriched_records"),
            status::FAILED => Some("failed_records"),
            status::SKIPPED => Some("skipped_records"),
            _ => None,
        },
        promotion::NONE => None,
        promotion::FAILED => Some("failed_records"),
        promotion::MATCHED | promotion::UNDONE | promotion::KEPT if was_filled => {
            Some("updated_records")
        }
        // Written rows stay in their counter, even if they were undone.
        promotion::CREATED | promotion::UNDONE | promotion::KEPT => Some("created_records"),
        _ => Some("skipped_records"),
    };
    let mut after = job.clone();
    for column in kind.into_iter().chain(kind.map(|_| "processed_records")).chain(["total_records"])
    {
        after.set(column, Value::Int(job.number(column).unwrap_or_default() - 1));
    }
    unit.update(&job, after).await?;
    Ok(())
}

/// Disables the undo for a merged prospect: imported values can no longer be distinguished from other values.
pub(super) fn merged(unit: &mut Unit, prospect: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "UPDATE \"import_records\" SET \"written_revision\" = NULL WHERE \"prospect_id\" = {} \
                   AND \"organization_id\" = {}";
        unit.execute(sql, vec![prospect.into(), unit.scope().organization().into()]).await?;
        Ok(())
    })
}

//! Failed rows of an import with their original cells, to be corrected and imported again.

use engine::{
    error::{Problem, Result},
    scope::Scope,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value as Json;

use super::CHUNK;
use crate::ingest::{
    import_job,
    import_record::{Column, Entity, promotion},
    note::Note,
};

/// A failed row.
#[derive(Clone, Debug)]
pub struct FailedRow {
    /// The index of the row in the import.
    pub index: i32,
    /// The line of the file where the row begins; `None` if it has none.
    pub line: Option<i32>,
    /// The original cells, in the order of the columns; empty if the row has none.
    pub cells: Vec<String>,
    /// Why the row failed.
    pub reason: String,
}

/// Index, line, original cells, error and reason.
type StoredRow = (i32, Option<i32>, Json, Option<String>, Option<String>);

/// The names of the columns of the file of an import.
///
/// # Errors
/// [`engine::Error::Refused`] if there is no such import.
pub async fn columns_of_file(scope: &Scope, job: i64) -> Result<Vec<String>> {
    let options = scope
        .select::<import_job::Entity>()
        .filter(import_job::Column::Id.eq(job))
        .filter(import_job::Column::Kind.eq(import_job::kind::LIST));
    let options = options.select_only().column(import_job::Column::Options);
    let found: Vec<Option<Json>> = scope.store().tuples(&options).await?;
    let options = found.into_iter().next().ok_or_else(|| Problem::not_found("id", "import_job"))?;
    let columns = options.as_ref().and_then(|options| options["columns"].as_array());
    let columns = columns.into_iter().flatten().filter_map(Json::as_str);
    Ok(columns.map(str::to_owned).collect())
}

/// The next failed rows of an import after the row with the index `after`, at most 500.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database does not respond.
pub async fn failed_rows(
    scope: &Scope,
    job: i64,
    columns: &[String],
    after: Option<i32>,
) -> Result<Vec<FailedRow>> {
    let rows = scope
        .select::<Entity>()
        .filter(Column::ImportJobId.eq(job))
        .filter(Column::PromotionStatus.eq(promotion::FAILED))
        .filter(Column::RecordIndex.gt(after.unwrap_or(-1)))
        .order_by_asc(Column::RecordIndex)
        .limit(CHUNK as u64);
    let rows = rows.select_only().columns([
        Column::RecordIndex,
        Column::LineNumber,
        Column::OriginalData,
        Column::LastError,
        Column::Reason,
    ]);
    let rows: Vec<StoredRow> = scope.store().tuples(&rows).await?;
    let rows = rows.into_iter().map(|(index, line, cells, error, reason)| FailedRow {
        index,
        line,
        cells: columns
            .iter()
            .map(|column| cells[column].as_str().unwrap_or_default().to_owned())
            .collect(),
        reason: error.or(reason).map(|notes| Note::sentences(&notes)).unwrap_or_default(),
    });
    Ok(rows.collect())
}

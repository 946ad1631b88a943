//! Reads the rows of a job in chunks, and records their results.

use std::collections::HashMap;

use engine::{
    error::Result,
    record::Record,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
    write::Unit,
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, Value as Bind};
use serde_json::{Value as Json, json};

use super::{CHUNK, lines::place};
use crate::ingest::import_record::{self, promotion};

/// Result of a row.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) id: i64,
    pub(super) status: &'static str,
    pub(super) verdict: String,
    pub(super) reason: Option<String>,
    pub(super) match_reason: Option<String>,
    pub(super) candidates: Option<Json>,
    pub(super) prospect: Option<i64>,
    pub(super) company: Option<i64>,
    pub(super) replaced: Option<Json>,
    /// Revision of the updated prospect before the write.
    pub(super) found: Option<i64>,
    /// Revision of the prospect after the write.
    pub(super) revision: Option<i64>,
    pub(super) error: Option<String>,
}

impl Done {
    /// The values of a row, with a new status.
    pub(super) fn of(record: &Record, status: &'static str) -> Self {
        let text = |column: import_record::Column| {
            Some(record.text(column).to_owned()).filter(|text| !text.is_empty())
        };
        let json = |column: import_record::Column| match record.value(column) {
            Value::Json(json) => Some(json.clone()),
            _ => None,
        };
        Self {
            id: record.id(),
            status,
            verdict: record.text(import_record::Column::Verdict).to_owned(),
            reason: text(import_record::Column::Reason),
            match_reason: text(import_record::Column::MatchReason),
            candidates: json(import_record::Column::Candidates),
            prospect: record.number(import_record::Column::ProspectId),
            company: record.number(import_record::Column::CompanyId),
            replaced: json(import_record::Column::ReplacedData),
            found: record.number(import_record::Column::FoundRevision),
            revision: record.number(import_record::Column::WrittenRevision),
            error: None,
        }
    }
}

/// The next rows of `job` that match `condition`, sorted by row index in the direction `order`.
pub(super) async fn next(
    unit: &Unit,
    job: i64,
    condition: &str,
    order: &str,
) -> Result<Vec<Record>> {
    let table = import_record::table();
    let sql = format!(
        "SELECT {} FROM \"import_records\" WHERE \"import_job_id\" = {{}} AND \"organization_id\" = {{}} \
         AND {condition} ORDER BY \"record_index\" {order} LIMIT {CHUNK}",
        table.column_list(),
    );
    let rows = unit.query(&sql, vec![job.into(), unit.scope().organization().into()]).await?;
    rows.iter().map(|row| Record::read(table, row, 0)).collect()
}

/// Stores the results of rows in one statement.
pub(super) async fn keep(unit: &Unit, done: &[Done]) -> Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let rows: Vec<Json> = done
        .iter()
        .map(|done| {
            json!({
                "id": done.id, "promotion_status": done.status, "verdict": done.verdict,
                "reason": done.reason, "match_reason": done.match_reason,
                "candidates": done.candidates, "prospect_id": done.prospect,
                "company_id": done.company, "replaced_data": done.replaced,
                "found_revision": done.found, "written_revision": done.revision,
                "last_error": done.error,
            })
        })
        .collect();
    let names = [
        "promotion_status",
        "verdict",
        "reason",
        "match_reason",
        "candidates",
        "prospect_id",
        "company_id",
        "replaced_data",
        "found_revision",
        "written_revision",
        "last_error",
    ];
    let set = |value: &dyn Fn(&str) -> String| {
        names.map(|name| format!("\"{name}\" = {}", value(name))).join(", ")
    };
    let rows = Json::Array(rows);
    let now = || Value::Time(unit.now()).bind(Kind::Time);
    let own = "\"revision\" = r.\"revision\" + 1, \"processed_at\" = {}, \"updated_at\" = {}";
    let (sql, rows): (String, Bind) = match unit.scope().store().engine() {
        Engine::Postgres => (
            format!(
                "UPDATE \"import_records\" r SET {}, {own} FROM jsonb_to_recordset({{}}) AS v(\"id\" bigint, \
                 \"promotion_status\" text, \"verdict\" text, \"reason\" text, \
                 \"match_reason\" text, \"candidates\" jsonb, \"prospect_id\" bigint, \
                 \"company_id\" bigint, \"replaced_data\" jsonb, \"found_revision\" integer, \"written_revision\" integer, \
                 \"last_error\" text) WHERE r.\"id\" = v.\"id\" AND +r.\"organization_id\" = {{}}",
                set(&|name| format!("v.\"{name}\""))
            ),
            Value::Json(rows).bind(Kind::Json),
        ),
        Engine::Sqlite => (
            format!(
                "UPDATE \"import_records\" AS r SET {}, {own} FROM (SELECT json_extract(value, '$.id') AS \"id\", \
                 value AS \"told\" FROM json_each({{}})) v WHERE r.\"id\" = v.\"id\" \
                 AND +r.\"organization_id\" = {{}}",
                set(&|name| format!("json_extract(v.\"told\", '$.{name}')"))
            ),
            rows.to_string().into(),
        ),
    };
    let binds = vec![now(), now(), rows, unit.scope().organization().into()];
    unit.execute(&sql, binds).await?;
    Ok(())
}

/// Example rows of a job with this verdict: their positions, e.g. `row 12 (line 15)`, and their reasons.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database does not respond.
pub async fn examples(
    scope: &Scope,
    job: i64,
    verdict: &str,
    most: usize,
) -> Result<Vec<(String, String)>> {
    let sql = format!(
        "SELECT \"record_index\", \"reason\", COALESCE(\"line_number\", 0) FROM \"import_records\" WHERE \"import_job_id\" = {{}} \
         AND \"organization_id\" = {{}} AND \"verdict\" = {{}} ORDER BY \"record_index\" LIMIT {most}"
    );
    let binds = vec![job.into(), scope.organization().into(), verdict.into()];
    let rows = scope.store().query(&sql, binds).await?;
    let told = rows.iter().map(|row| {
        let index = Value::read(row, 0, Kind::Int)?.key().unwrap_or_default();
        let reason: Option<String> = row.try_get_by_index(1)?;
        let line = Value::read(row, 2, Kind::Int)?.key().unwrap_or_default();
        let place = place(usize::try_from(index).unwrap_or_default(), line.unsigned_abs());
        Ok((place, reason.unwrap_or_default()))
    });
    told.collect()
}

/// The prospects of rows, by job and row index. Rows without a prospect are omitted.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database does not respond.
pub async fn prospects_of(scope: &Scope, rows: &[(i64, i64)]) -> Result<HashMap<(i64, i64), i64>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let (jobs, places): (Vec<i64>, Vec<i64>) = rows.iter().copied().unzip();
    let engine = scope.engine();
    let mut binds: Vec<Bind> = vec![scope.organization().into()];
    let of_jobs = engine.among(&jobs, &mut binds);
    let at_places = engine.among(&places, &mut binds);
    let sql = format!(
        "SELECT \"import_job_id\", \"record_index\", \"prospect_id\" FROM \"import_records\" \
         WHERE {}\"organization_id\" = {{}} AND \"import_job_id\" {of_jobs} \
         AND \"record_index\" {at_places} AND \"prospect_id\" IS NOT NULL",
        engine.not_by()
    );
    let mut found = HashMap::new();
    for row in &scope.store().query(&sql, binds).await? {
        let place: i32 = row.try_get_by_index(1)?;
        found.insert((row.try_get_by_index(0)?, place.into()), row.try_get_by_index(2)?);
    }
    Ok(found)
}

/// The prospect of another row of the same job.
pub(super) async fn prospect_of_row(
    unit: &Unit,
    record: &Record,
    index: usize,
) -> Result<Option<i64>> {
    use import_record::Column;
    let job = record.key(Column::ImportJobId)?;
    let index = i32::try_from(index).unwrap_or_default();
    let row = unit
        .scope()
        .select::<import_record::Entity>()
        .filter(Column::ImportJobId.eq(job))
        .filter(Column::RecordIndex.eq(index))
        .filter(Column::PromotionStatus.is_in([promotion::CREATED, promotion::MATCHED]))
        .select_only()
        .column(Column::ProspectId);
    Ok(unit.tuple::<Option<i64>, _>(row).await?.flatten())
}

//! Lists that come in, in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope, Value,
    ingest::import_job::{DECISIONS, STATUSES, rules, table},
};

use super::import_record::ImportRecord;
use crate::{
    error::Result,
    graph::{DateTime, EnumType, Json, Many, Of, RowView, Vocabulary},
};

/// A list of people that came in as a file. Its rows are looked at before anything is written of them.
#[derive(Entity)]
#[entity(table = table, plural = "importJobs", writes = rules)]
pub struct ImportJob {
    /// What it is called.
    pub name: String,
    /// How far it has come.
    #[entity(sort)]
    pub status: Of<ImportJobStatus>,
    /// What becomes of rows that may be about somebody we know.
    pub candidate_decision: Of<ImportCandidateDecision>,
    /// Who let it be written, or taken back, at last: `person/Ada`.
    pub committed_by: Option<String>,
    /// How many rows it has.
    pub total_records: i32,
    /// Of how many of them it is known what has become; while it is UPLOADING, how many were looked at.
    pub processed_records: i32,
    /// How many prospects were made.
    pub created_records: i32,
    /// How many prospects were filled in.
    pub updated_records: i32,
    /// How many rows are about somebody who stands in the list before; they are counted among the others too.
    pub duplicate_records: i32,
    /// Of how many rows there was nothing to write.
    pub skipped_records: i32,
    /// Of how many rows nothing could be made.
    pub failed_records: i32,
    /// How many rows are not written: they wait for their turn, or for a person.
    #[entity(computed = waiting, needs("total_records", "created_records", "updated_records", "skipped_records", "failed_records"))]
    pub waiting_records: i32,
    /// Of how many rows what was written was taken back.
    pub undone_records: i32,
    /// Of how many rows it was not, because the prospect was touched since.
    pub kept_records: i32,
    /// The part of the rows of which it is known what has become, in percent with two places; 0 for an empty list.
    #[entity(computed = progress, needs("processed_records", "total_records"))]
    pub progress_percentage: f64,
    /// The name of the file.
    pub file_name: Option<String>,
    /// How large the file was, in bytes.
    pub file_size: Option<i32>,
    /// How the file was read: `format`, `encoding`, `delimiter`, `country`, all its `columns`, and `mapping`: which of
    /// them each field came from.
    pub options: Option<Json>,
    /// Why it was broken off.
    pub error: Option<String>,
    /// When it was let be written first.
    pub started_at: Option<DateTime>,
    /// When its last rows were written.
    pub completed_at: Option<DateTime>,
    /// When what it wrote was taken back.
    pub undone_at: Option<DateTime>,
    /// Its rows.
    pub import_records: Many<ImportRecord>,
}

/// `import_jobs.status`.
pub enum ImportJobStatus {}

impl Vocabulary for ImportJobStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ImportJobStatus", about: "How far a list has come.", words: STATUSES }
    }
}

/// `import_jobs.candidate_decision`.
pub enum ImportCandidateDecision {}

impl Vocabulary for ImportCandidateDecision {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportCandidateDecision",
            about: "What becomes of rows of a list that may be about somebody we know.",
            words: DECISIONS,
        }
    }
}

fn number(value: &Value) -> i32 {
    match value {
        Value::Int(number) => i32::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

async fn progress(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<f64>> {
    let part = |row: RowView<'_>| {
        let (done, all) = (f64::from(number(row.cell(0))), f64::from(number(row.cell(1))));
        if all > 0.0 { (done / all * 10_000.0).round() / 100.0 } else { 0.0 }
    };
    Ok(rows.into_iter().map(part).collect())
}

async fn waiting(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<i32>> {
    let left = |row: RowView<'_>| {
        let known: i32 = (1..5).map(|place| number(row.cell(place))).sum();
        (number(row.cell(0)) - known).max(0)
    };
    Ok(rows.into_iter().map(left).collect())
}

//! Import jobs in GraphQL.

use engine::{Scope, Value};
use salesgraph_macros::Entity;
use service::ingest::import_job::{self, DECISIONS, KINDS, STATUSES, kind, rules, table};

use super::note::{ImportNote, notes, sentences};
use super::template_performance::TemplatePerformance;
use super::{
    extraction::Extraction, field_provenance::FieldProvenance, import_record::ImportRecord,
};
use crate::usage::{llm_usage_log::LlmUsageLog, service_usage_log::ServiceUsageLog};
use graph::{DateTime, EnumColumn, EnumType, Json, Many, One, RowView, Vocabulary, error::Result};

/// An import job: an import of people from a file, with a preview before rows are written; or an enrichment of
/// existing prospects by providers.
#[derive(Entity)]
#[entity(table = table, plural = "importJobs", read = Read, writes = rules, write = WriteAll)]
pub struct ImportJob {
    /// Name.
    pub name: String,
    /// Kind of job.
    pub kind: EnumColumn<ImportJobKind>,
    /// Status.
    #[entity(sort)]
    pub status: EnumColumn<ImportJobStatus>,
    /// Decision for rows that may match an existing prospect.
    pub candidate_decision: EnumColumn<ImportCandidateDecision>,
    /// Last actor to commit or undo the job: `person/Ada`.
    pub committed_by: Option<String>,
    /// Number of rows.
    pub total_records: i32,
    /// Rows processed; while the job is UPLOADING, rows previewed.
    pub processed_records: i32,
    /// Prospects created.
    pub created_records: i32,
    /// Prospects updated.
    pub updated_records: i32,
    /// Rows about the same person as an earlier row; these rows also count in the other totals.
    pub duplicate_records: i32,
    /// Rows skipped.
    pub skipped_records: i32,
    /// Rows failed.
    pub failed_records: i32,
    /// Rows pending: not processed yet, or waiting for a decision.
    #[entity(computed = waiting, needs("total_records", "created_records", "updated_records", "skipped_records", "failed_records", "kind", "enriched_records"))]
    pub pending_records: i32,
    /// Pending work that the status does not show: rows of a COMPLETED import that wait for a decision, or a job
    /// imported from another system, which does not run here. Null if there is none.
    #[entity(computed = note, needs("total_records", "created_records", "updated_records", "skipped_records", "failed_records", "kind", "enriched_records", "status", "resumes_at"))]
    pub note: Option<String>,
    /// Records enriched.
    pub enriched_records: i32,
    /// Estimated maximum cost, in US dollars.
    pub estimated_cost: f64,
    /// Actual cost, in US dollars.
    pub actual_cost: f64,
    /// Processing time in seconds, with two decimal places; null until the job has ended.
    #[entity(computed = processing_time, needs("started_at", "completed_at"))]
    pub processing_time_seconds: Option<f64>,
    /// Rows undone; for an enrichment, values and prospects undone.
    pub undone_records: i32,
    /// Rows skipped on undo, because the prospect was modified since; for an enrichment, values skipped.
    #[entity(via = "kept_records")]
    pub undo_skipped_records: i32,
    /// Progress in percent, with two decimal places; 0 for an empty job.
    #[entity(computed = progress, needs("processed_records", "total_records"))]
    pub progress_percentage: f64,
    /// File name.
    pub file_name: Option<String>,
    /// Path of the input file in another system.
    pub input_file_path: Option<String>,
    /// Path of the output file in another system.
    pub output_file_path: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Metadata of another system.
    pub metadata: Option<Json>,
    /// Size of the file, in bytes.
    pub file_size: Option<i32>,
    /// Options. Enrichments: providers and policy. Imports: `format`, `encoding`, `delimiter`, `country`, all `columns` of
    /// the file, and `mapping`, the column of each field.
    pub options: Option<Json>,
    /// Reason why the job failed or waits: the messages of `errors`.
    #[entity(computed = sentences, needs("error"))]
    pub error: Option<String>,
    /// Reasons why the job failed or waits.
    #[entity(computed = notes, needs("error"))]
    pub errors: Vec<ImportNote>,
    /// Time of the first commit.
    pub started_at: Option<DateTime>,
    /// Time when the last rows were written.
    pub completed_at: Option<DateTime>,
    /// Time of the undo.
    pub undone_at: Option<DateTime>,
    /// The import whose prospects are enriched.
    pub source_job: Option<One<ImportJob>>,
    /// Enrichments of the prospects of this import.
    #[entity(via = "source_job_id")]
    pub enrichments: Many<ImportJob>,
    /// Records of the job.
    pub import_records: Many<ImportRecord>,
    /// Provenance of the values that the job found.
    pub field_provenances: Many<FieldProvenance>,
    /// Language-model calls of the job or record.
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// Paid service calls of the job or record.
    pub service_usage_logs: Many<ServiceUsageLog>,
    /// Performance of templates in the job.
    pub template_performances: Many<TemplatePerformance>,
    /// Extractions of the job.
    pub extractions: Many<Extraction>,
}

/// `import_jobs.kind`.
pub enum ImportJobKind {}

impl Vocabulary for ImportJobKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ImportJobKind", about: "Kind of import job.", words: KINDS }
    }
}

/// `import_jobs.status`.
pub enum ImportJobStatus {}

impl Vocabulary for ImportJobStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ImportJobStatus", about: "Status of an import job.", words: STATUSES }
    }
}

/// `import_jobs.candidate_decision`.
pub enum ImportCandidateDecision {}

impl Vocabulary for ImportCandidateDecision {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportCandidateDecision",
            about: "Decision for rows of an import that may match an existing prospect.",
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

async fn processing_time(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<f64>>> {
    let took = |row: RowView<'_>| {
        let took = (row.time(1)? - row.time(0)?).as_seconds_f64();
        Some((took * 100.0).round() / 100.0)
    };
    Ok(rows.into_iter().map(took).collect())
}

async fn waiting(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<i32>> {
    Ok(rows.iter().map(waiting_rows).collect())
}

fn waiting_rows(row: &RowView<'_>) -> i32 {
    // Created prospects and enriched records are separate counts, so each kind of job sums its own.
    let places: &[usize] = if row.text(5) == kind::ENRICHMENT { &[3, 4, 6] } else { &[1, 2, 3, 4] };
    let known: i32 = places.iter().map(|place| number(row.cell(*place))).sum();
    (number(row.cell(0)) - known).max(0)
}

async fn note(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<String>>> {
    let note = |row: &RowView<'_>| {
        let is_due = row.time(8).is_some();
        import_job::note(row.text(5), row.text(7), waiting_rows(row).into(), is_due)
    };
    Ok(rows.iter().map(note).collect())
}

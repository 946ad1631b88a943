//! Lists that come in, in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope, Value,
    ingest::import_job::{self, DECISIONS, KINDS, STATUSES, kind, rules, table},
};

use super::{
    extraction::Extraction, field_provenance::FieldProvenance, import_record::ImportRecord,
};
use crate::{
    error::Result,
    graph::{DateTime, EnumType, Json, Many, Of, One, RowView, Vocabulary},
    outreach::template_performance::TemplatePerformance,
    usage::{llm_usage_log::LlmUsageLog, service_usage_log::ServiceUsageLog},
};

/// A list of people that came in as a file, whose rows are looked at before anything is written of them; or an
/// enrichment, which asks providers about people we know.
#[derive(Entity)]
#[entity(table = table, plural = "importJobs", writes = rules)]
pub struct ImportJob {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub kind: Of<ImportJobKind>,
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
    #[entity(computed = waiting, needs("total_records", "created_records", "updated_records", "skipped_records", "failed_records", "kind", "enriched_records"))]
    pub waiting_records: i32,
    /// What is left to do where the status does not say so: rows of a COMPLETED list that wait for a decision, a job of
    /// another system that does not run here. Null when there is nothing.
    #[entity(computed = note, needs("total_records", "created_records", "updated_records", "skipped_records", "failed_records", "kind", "enriched_records", "status", "resumes_at"))]
    pub note: Option<String>,
    /// About how many people providers were asked, and what they found was kept.
    pub enriched_records: i32,
    /// What it was thought to cost when it began, in US dollars, at most.
    pub estimated_cost: f64,
    /// What it has cost so far, in US dollars.
    pub actual_cost: f64,
    /// How long it took, in seconds with two places; null until it has ended.
    #[entity(computed = processing_time, needs("started_at", "completed_at"))]
    pub processing_time_seconds: Option<f64>,
    /// Of how many rows what was written was taken back; of an enrichment, how many values and prospects.
    pub undone_records: i32,
    /// Of how many rows it was not, because the prospect was touched since; of an enrichment, how many values.
    pub kept_records: i32,
    /// The part of the rows of which it is known what has become, in percent with two places; 0 for an empty list.
    #[entity(computed = progress, needs("processed_records", "total_records"))]
    pub progress_percentage: f64,
    /// The name of the file.
    pub file_name: Option<String>,
    /// Where another system had the file.
    pub input_file_path: Option<String>,
    /// Where another system had what came of it.
    pub output_file_path: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What another system kept of it.
    pub metadata: Option<Json>,
    /// How large the file was, in bytes.
    pub file_size: Option<i32>,
    /// For an enrichment, who is asked and what is done with what they find. For a list how the file was read: `format`, `encoding`, `delimiter`, `country`, all its `columns`, and `mapping`: which of
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
    /// The list whose people are enriched.
    pub source_job: Option<One<ImportJob>>,
    /// The enrichments of its people.
    #[entity(via = "source_job_id")]
    pub enrichments: Many<ImportJob>,
    /// Its rows.
    pub import_records: Many<ImportRecord>,
    /// Where values came from that it has found.
    pub field_provenances: Many<FieldProvenance>,
    /// The calls to language models that were made for it.
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// The paid calls to services that were made for it.
    pub service_usage_logs: Many<ServiceUsageLog>,
    /// How templates did in it.
    pub template_performances: Many<TemplatePerformance>,
    /// What was read out of files and pages for it.
    pub extractions: Many<Extraction>,
}

/// `import_jobs.kind`.
pub enum ImportJobKind {}

impl Vocabulary for ImportJobKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ImportJobKind", about: "What a job does.", words: KINDS }
    }
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
    // Of whom prospects were made is another matter than about whom providers were asked.
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

//! Import records in GraphQL.

use std::collections::HashSet;

use engine::{Permission, Scope, Value};
use salesgraph_macros::Entity;
use service::{
    imports::{Candidate, prospects_of},
    ingest::import_record::{DECISIONS, PROMOTIONS, STATUSES, VERDICTS, table},
};

use super::{
    field_provenance::FieldProvenance,
    import_job::ImportJob,
    note::{ImportNote, notes, sentences},
};
use crate::{
    crm::{company::Company, prospect::Prospect},
    outreach::outreach_draft::OutreachDraft,
    usage::{llm_usage_log::LlmUsageLog, service_usage_log::ServiceUsageLog},
};
use graph::{
    DateTime, EnumColumn, EnumType, Json, Many, One, RowView, RowsByKey, Vocabulary, error::Result,
};

/// An import record: a row of an import, or a person of an enrichment, with its verdict and its status.
#[derive(Entity)]
#[entity(table = table, plural = "importRecords", read = Read)]
pub struct ImportRecord {
    /// The import job.
    pub import_job: One<ImportJob>,
    /// Index of the record in the job, from 0; the default order.
    pub record_index: i32,
    /// Number of the line (or sheet row) where the record begins, starting at 1 and counting the header; null if none.
    pub line_number: Option<i32>,
    /// Promotion status.
    pub promotion_status: EnumColumn<ImportPromotionStatus>,
    /// Verdict of the preview.
    pub verdict: EnumColumn<ImportVerdict>,
    /// Reason for the verdict, and values that could not be read: the messages of `reasons`.
    #[entity(computed = sentences, needs("reason"))]
    pub reason: Option<String>,
    /// Reasons for the verdict, and values that could not be read.
    #[entity(computed = notes, needs("reason"))]
    pub reasons: Vec<ImportNote>,
    /// Decision made by a user.
    pub decision: Option<EnumColumn<ImportDecision>>,
    /// Value that matched the prospect: `email`, `linkedin_url`, `phone`, `decision`.
    pub match_reason: Option<String>,
    /// Original values, by column name.
    pub original_data: Json,
    /// Mapped values: `full_name`, `first_name`, `last_name`, `email`, `phone` with its country, `job_title`, `linkedin_url`,
    /// `location`, `company`, `website`, `size`, `industry`, `company_country`, `employee_count`, `company_phone`,
    /// `company_address`.
    pub mapped_data: Option<Json>,
    /// E-mail address.
    pub email: Option<String>,
    /// Merge candidates, best first: `prospectId` (the primary key of a prospect) or `recordIndex` (an earlier row of the
    /// same import); `score` from 0 to 1; `reasons`.
    pub candidates: Option<Json>,
    /// Candidate prospects, best first. The prospect of an earlier row is included once that row has been written.
    #[entity(rows = candidate_prospects, needs("import_job_id", "candidates"))]
    pub candidate_prospects: RowsByKey<Prospect>,
    /// The prospect that the record matched or created.
    pub prospect: Option<One<Prospect>>,
    /// The company of that prospect.
    pub company: Option<One<Company>>,
    /// Enrichment status; null for rows of imports.
    #[entity(sort)]
    pub status: Option<EnumColumn<ImportRecordStatus>>,
    /// Values that providers found, by field: `value`, `source`, `confidence`, `fetchedAt`, `cost`, and the `outcome`.
    pub enriched_data: Option<Json>,
    /// Generated messages: `variants`.
    pub generated_content: Option<Json>,
    /// Number of attempts.
    pub processing_attempts: i32,
    /// Time of the next attempt.
    pub next_attempt_at: Option<DateTime>,
    /// Duration of the last attempt, in milliseconds.
    pub processing_time_ms: Option<i32>,
    /// Language-model tokens.
    pub llm_tokens_used: Option<i32>,
    /// Cost in US dollars: the sum from both usage logs.
    pub cost: f64,
    /// Mean confidence of the values found, from 0 to 1.
    pub enrichment_confidence: Option<f64>,
    /// Completeness of the known fields, from 0 to 1.
    pub data_completeness: Option<f64>,
    /// Provenance of the values that providers found for the record.
    pub field_provenances: Many<FieldProvenance>,
    /// Outreach drafts of the record.
    pub outreach_drafts: Many<OutreachDraft>,
    /// Language-model calls of the job or record.
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// Paid service calls of the job or record.
    pub service_usage_logs: Many<ServiceUsageLog>,
    /// Reason why the record was not written or enriched: the messages of `errors`.
    #[entity(computed = sentences, needs("last_error"))]
    pub last_error: Option<String>,
    /// Reasons why the record was not written or enriched.
    #[entity(computed = notes, needs("last_error"))]
    pub errors: Vec<ImportNote>,
    /// Error message of the provider, verbatim. Maximum: 300 characters. Null if no call failed, and for all roles
    /// except owner and admin.
    #[entity(computed = provider_message, needs("provider_message"))]
    pub provider_message: Option<String>,
    /// Time when the record was processed.
    pub processed_at: Option<DateTime>,
}

/// `import_records.status`.
pub enum ImportRecordStatus {}

impl Vocabulary for ImportRecordStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportRecordStatus",
            about: "Enrichment status of an import record.",
            words: STATUSES,
        }
    }
}

/// `import_records.promotion_status`.
pub enum ImportPromotionStatus {}

impl Vocabulary for ImportPromotionStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportPromotionStatus",
            about: "Promotion status of an import record.",
            words: PROMOTIONS,
        }
    }
}

/// `import_records.decision`.
pub enum ImportDecision {}

impl Vocabulary for ImportDecision {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportDecision",
            about: "Decision on an import record.",
            words: DECISIONS,
        }
    }
}

/// `import_records.verdict`.
pub enum ImportVerdict {}

impl Vocabulary for ImportVerdict {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ImportVerdict", about: "Verdict on an import record.", words: VERDICTS }
    }
}

async fn provider_message(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<String>>> {
    let may = scope.demand(Permission::ViewStatistics).is_ok();
    let message = |row: RowView<'_>| match row.cell(0) {
        Value::Text(message) if may => Some(message.clone()),
        _ => None,
    };
    Ok(rows.into_iter().map(message).collect())
}

async fn candidate_prospects(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Vec<i64>>> {
    let read = |row: RowView<'_>| {
        let job = row.cell(0).key().unwrap_or_default();
        let Value::Json(candidates) = row.cell(1) else { return (job, Vec::new()) };
        let read: Vec<Candidate> = serde_json::from_value(candidates.clone()).unwrap_or_default();
        (job, read)
    };
    let rows: Vec<(i64, Vec<Candidate>)> = rows.into_iter().map(read).collect();
    let place =
        |job: i64, candidate: &Candidate| Some((job, i64::try_from(candidate.record_index?).ok()?));
    let places = rows.iter().flat_map(|(job, all)| all.iter().filter_map(|one| place(*job, one)));
    let made = prospects_of(scope, &places.collect::<Vec<_>>()).await?;
    let keys = |(job, all): &(i64, Vec<Candidate>)| {
        let of =
            |one: &Candidate| one.prospect_id.or_else(|| made.get(&place(*job, one)?).copied());
        let mut keys: Vec<i64> = all.iter().filter_map(of).collect();
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(*key));
        keys
    };
    Ok(rows.iter().map(keys).collect())
}

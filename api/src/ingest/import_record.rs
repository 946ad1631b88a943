//! Rows of lists that come in, in GraphQL.

use std::collections::HashSet;

use salesgraph_macros::Entity;
use service::{
    Permission, Scope, Value,
    ingest::{
        import_record::{DECISIONS, PROMOTIONS, STATUSES, VERDICTS, table},
        list::{Candidate, prospects_of},
    },
};

use super::{field_provenance::FieldProvenance, import_job::ImportJob};
use crate::{
    crm::{company::Company, prospect::Prospect},
    error::Result,
    graph::{DateTime, EnumType, Json, Many, Of, One, Picked, RowView, Vocabulary},
    outreach::outreach_draft::OutreachDraft,
    usage::{llm_usage_log::LlmUsageLog, service_usage_log::ServiceUsageLog},
};

/// A row of a list, or a person of an enrichment: what stood in it, what is to become of it, and what has.
#[derive(Entity)]
#[entity(table = table, plural = "importRecords")]
pub struct ImportRecord {
    /// The list.
    pub import_job: One<ImportJob>,
    /// Which row of the list it is, from 0. Rows are in this order by themselves.
    pub record_index: i32,
    /// The line of the file, or the row of the sheet, in which the row begins, from 1 and with the head; null where
    /// there is none.
    pub line_number: Option<i32>,
    /// What has become of it.
    pub promotion_status: Of<ImportPromotionStatus>,
    /// What is to become of it.
    pub verdict: Of<ImportVerdict>,
    /// Why; and what of it could not be read.
    pub reason: Option<String>,
    /// What a person decided on it.
    pub decision: Option<Of<ImportDecision>>,
    /// By what the person was known: `email`, `linkedin_url`, `phone`, `decision`.
    pub match_reason: Option<String>,
    /// What stood in the row, by the names of the columns.
    pub original_data: Json,
    /// What was read of it: `full_name`, `email`, `phone` with its country, `job_title`, `linkedin_url`, `location`,
    /// `company`, `website`, `size`, `industry`.
    pub mapped_data: Option<Json>,
    /// The e-mail address that was read of it.
    pub email: Option<String>,
    /// Whom it may be about, the likeliest first: `prospectId`, the number of a prospect, or `recordIndex` for somebody in
    /// an earlier row of the same list; `score` from 0 to 1; `reasons`.
    pub candidates: Option<Json>,
    /// The prospects among the candidates, the likeliest first; of an earlier row of the list when it is written.
    #[entity(rows = candidate_prospects, needs("import_job_id", "candidates"))]
    pub candidate_prospects: Picked<Prospect>,
    /// The person it is about, or that was made of it.
    pub prospect: Option<One<Prospect>>,
    /// The company of that person.
    pub company: Option<One<Company>>,
    /// How far its enrichment has come; null for rows of lists.
    #[entity(sort)]
    pub status: Option<Of<ImportRecordStatus>>,
    /// What providers found, by fields: `value`, `source`, `confidence`, `fetchedAt`, `cost`, and the `outcome`.
    pub enriched_data: Option<Json>,
    /// Messages that were written for the person: `variants`.
    pub generated_content: Option<Json>,
    /// How often providers were asked.
    pub processing_attempts: i32,
    /// When they are asked again.
    pub next_attempt_at: Option<DateTime>,
    /// How long it took when they were asked last, in milliseconds.
    pub processing_time_ms: Option<i32>,
    /// How many tokens of language models it took.
    pub llm_tokens_used: Option<i32>,
    /// What it cost, in US dollars: both ledgers together.
    pub cost: f64,
    /// How sure providers were of what they found, from 0 to 1: the mean of it.
    pub enrichment_confidence: Option<f64>,
    /// Which part of what can be known of a person and a company is known, from 0 to 1.
    pub data_completeness: Option<f64>,
    /// Where its values came from.
    pub field_provenances: Many<FieldProvenance>,
    /// Messages that were made of it.
    pub outreach_drafts: Many<OutreachDraft>,
    /// The calls to language models that were made for it.
    pub llm_usage_logs: Many<LlmUsageLog>,
    /// The paid calls to services that were made for it.
    pub service_usage_logs: Many<ServiceUsageLog>,
    /// Why it could not be written, or enriched.
    pub last_error: Option<String>,
    /// What the provider itself said of the failure, in its own words, at most 300 characters; null without a failure, and
    /// for everybody but owners and admins.
    #[entity(computed = provider_message, needs("provider_message"))]
    pub provider_message: Option<String>,
    /// When something became of it.
    pub processed_at: Option<DateTime>,
}

/// `import_records.status`.
pub enum ImportRecordStatus {}

impl Vocabulary for ImportRecordStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportRecordStatus",
            about: "How far the enrichment of a record has come.",
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
            about: "What has become of a row of a list.",
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
            about: "What a person decides on a row of a list.",
            words: DECISIONS,
        }
    }
}

/// `import_records.verdict`.
pub enum ImportVerdict {}

impl Vocabulary for ImportVerdict {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportVerdict",
            about: "What is to become of a row of a list.",
            words: VERDICTS,
        }
    }
}

async fn provider_message(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<String>>> {
    let may = scope.demand(Permission::Operate).is_ok();
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

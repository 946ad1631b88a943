//! Provenance of values in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::field_provenance::{OUTCOMES, table};

use super::{import_job::ImportJob, import_record::ImportRecord};
use crate::crm::{company::Company, prospect::Prospect};
use graph::{DateTime, EnumColumn, EnumType, One, Vocabulary};

/// The provenance of a field value that a provider found for a prospect or a company.
#[derive(Entity)]
#[entity(table = table, plural = "fieldProvenances", read = Read)]
pub struct FieldProvenance {
    /// The prospect; null for fields of companies.
    pub prospect: Option<One<Prospect>>,
    /// The company; null for fields of prospects.
    pub company: Option<One<Company>>,
    /// The field: `phone`, `job_title`, `linkedin_url`, `location` of a person, `website`, `size`, `industry` of a company.
    pub field: String,
    /// Value found.
    pub value: String,
    /// Former value of the field; null if there was none, or nothing was written.
    pub replaced_value: Option<String>,
    /// Outcome.
    pub outcome: EnumColumn<ProvenanceOutcome>,
    /// Provider: `rules`, `http`, a model, or `cache:` followed by one of these.
    pub source: String,
    /// Confidence, from 0 to 1.
    pub confidence: f64,
    /// Cost in US dollars: the share of this value in the cost of the call.
    pub cost: f64,
    /// Date and time.
    pub fetched_at: DateTime,
    /// The enrichment job.
    pub import_job: Option<One<ImportJob>>,
    /// The enrichment record.
    pub import_record: Option<One<ImportRecord>>,
}

/// `field_provenance.outcome`.
pub enum ProvenanceOutcome {}

impl Vocabulary for ProvenanceOutcome {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ProvenanceOutcome",
            about: "Outcome of a value that a provider found.",
            words: OUTCOMES,
        }
    }
}

//! Where values came from, in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::field_provenance::{OUTCOMES, table};

use super::{import_job::ImportJob, import_record::ImportRecord};
use crate::{
    crm::{company::Company, prospect::Prospect},
    graph::{DateTime, EnumType, Of, One, Vocabulary},
};

/// What a provider found for a field of a prospect or a company, and what became of it.
#[derive(Entity)]
#[entity(table = table, plural = "fieldProvenances")]
pub struct FieldProvenance {
    /// The person whose field it is; null for a company's.
    pub prospect: Option<One<Prospect>>,
    /// The company whose field it is; null for a person's.
    pub company: Option<One<Company>>,
    /// The field: `phone`, `job_title`, `linkedin_url`, `location` of a person, `website`, `size`, `industry` of a company.
    pub field: String,
    /// What was found.
    pub value: String,
    /// What the field held before, where something was written; null for nothing.
    pub replaced_value: Option<String>,
    /// What became of it.
    pub outcome: Of<ProvenanceOutcome>,
    /// Who found it: `rules`, `http`, the model, or `cache:` and one of these.
    pub source: String,
    /// How sure they were, from 0 to 1.
    pub confidence: f64,
    /// What it cost, in US dollars: its share of the call that found it.
    pub cost: f64,
    /// When it was found.
    pub fetched_at: DateTime,
    /// The enrichment.
    pub import_job: Option<One<ImportJob>>,
    /// Its record.
    pub import_record: Option<One<ImportRecord>>,
}

/// `field_provenance.outcome`.
pub enum ProvenanceOutcome {}

impl Vocabulary for ProvenanceOutcome {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ProvenanceOutcome",
            about: "What became of a value that a provider found.",
            words: OUTCOMES,
        }
    }
}

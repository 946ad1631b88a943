//! What providers answered, in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::enrichment_cache_entry::{rules, table};

use crate::{
    crm::prospect::Prospect,
    graph::{DateTime, Json, One},
};

/// What a provider answered, kept until it expires so that it is not paid for twice.
#[derive(Entity)]
#[entity(table = table, plural = "enrichmentCacheEntries", writes = rules)]
pub struct EnrichmentCacheEntry {
    /// What was looked up, and by which provider: `company/http`, `person/llm`.
    pub lookup_type: String,
    /// For whom: a hash (SHA-256) of the name of the company and its place, and of the person where it is about one.
    pub cache_key: String,
    /// What was found, by fields: `value` and `confidence`.
    pub result_data: Option<Json>,
    /// How often it was used again.
    pub hit_count: i32,
    /// How sure the provider was, from 0 to 1; what is below 0.3 is not kept.
    pub confidence_score: Option<f64>,
    /// Where the provider had it from.
    pub source: Option<String>,
    /// The person it is about; null for companies.
    pub prospect: Option<One<Prospect>>,
    /// When it is thrown away.
    #[entity(sort)]
    pub expires_at: DateTime,
}

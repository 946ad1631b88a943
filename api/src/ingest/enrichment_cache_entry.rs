//! Cached provider responses in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::enrichment_cache_entry::{rules, table};

use crate::crm::prospect::Prospect;
use graph::{DateTime, Json, One};

/// A cached provider response, so that no lookup is paid for twice.
#[derive(Entity)]
#[entity(table = table, plural = "enrichmentCacheEntries", read = Read, writes = rules, write = WriteAll)]
pub struct EnrichmentCacheEntry {
    /// Kind of lookup and provider: `company/http`, `person/llm`.
    pub lookup_type: String,
    /// Cache key: a SHA-256 hash of the company's name and location, and of the person, if any.
    pub cache_key: String,
    /// Values found, by field: `value` and `confidence`.
    pub result_data: Option<Json>,
    /// Number of cache hits.
    pub hit_count: i32,
    /// Confidence, from 0 to 1; values below 0.3 are not cached.
    pub confidence_score: Option<f64>,
    /// Source named by the provider.
    pub source: Option<String>,
    /// The prospect; null for companies.
    pub prospect: Option<One<Prospect>>,
    /// Expiry.
    #[entity(sort)]
    pub expires_at: DateTime,
}

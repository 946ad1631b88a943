//! Imports and enrichments in GraphQL.

pub mod actions;
pub mod decisions;
pub mod enrich;
pub mod enrichment_cache_entry;
pub mod external_id;
pub mod extraction;
pub(crate) mod failed_rows_route;
pub mod field_provenance;
pub mod import_job;
pub mod import_record;
pub mod note;
pub mod report;
pub mod template_performance;
pub(crate) mod upload;

//! What is brought in: databases of other systems, lists of people, and what providers know of them.

pub mod enrichment;
pub mod enrichment_cache_entry;
pub mod enrichment_source;
pub mod external_id;
pub mod extraction;
pub mod field_provenance;
pub mod import_job;
pub mod import_record;
mod json_text;
pub mod list;
pub mod report;
pub mod sales_assistant;

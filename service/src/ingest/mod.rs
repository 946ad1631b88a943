//! Import jobs with their records, and what providers and other systems contribute to prospects.

pub mod enrichment_cache_entry;
pub mod external_id;
pub mod extraction;
pub mod field_provenance;
pub mod import_job;
pub mod import_record;
pub mod note;
mod privacy;
pub mod report;
pub mod template_performance;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 7] {
    [
        import_job::table(),
        import_record::table(),
        field_provenance::table(),
        enrichment_cache_entry::table(),
        extraction::table(),
        external_id::table(),
        template_performance::table(),
    ]
}

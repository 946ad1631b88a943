//! Imports of databases and files, and enrichment by providers.

pub mod enrichment;
pub mod enrichment_cache_entry;
pub mod enrichment_source;
pub mod external_id;
pub mod extraction;
pub mod field_provenance;
pub mod import_job;
pub mod import_record;
pub mod imports;
mod json_text;
pub mod note;
pub mod report;
pub mod sales_assistant;
mod sqlite_source;
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

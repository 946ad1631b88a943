//! Data extracted from files and web pages, in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::extraction::{SOURCES, rules, table};

use super::import_job::ImportJob;
use graph::{DateTime, EnumColumn, EnumType, Json, One, Vocabulary};

/// An extraction: structured data from a file or a web page.
#[derive(Entity)]
#[entity(table = table, plural = "extractions", read = Read, writes = rules, write = WriteAll)]
pub struct Extraction {
    /// The import job.
    pub import_job: Option<One<ImportJob>>,
    /// Kind of source.
    pub source_type: EnumColumn<ExtractionSource>,
    /// Time when the source was retrieved.
    pub retrieved_at: Option<DateTime>,
    /// Code of the project.
    pub project_code: Option<String>,
    /// Location of the file or page.
    pub file_url: Option<String>,
    /// Location of the project.
    pub project_url: Option<String>,
    /// Extracted data.
    pub data: Option<Json>,
    /// ID of the program instance that extracted the data.
    pub instance_id: Option<String>,
}

/// `extractions.source_type`.
pub enum ExtractionSource {}

impl Vocabulary for ExtractionSource {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ExtractionSource",
            about: "Kind of source of an extraction.",
            words: SOURCES,
        }
    }
}

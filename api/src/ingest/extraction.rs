//! What was read out of files and pages, in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::extraction::{SOURCES, rules, table};

use super::import_job::ImportJob;
use crate::graph::{DateTime, EnumType, Json, Of, One, Vocabulary};

/// Structured data that was read out of a file or a web page.
#[derive(Entity)]
#[entity(table = table, plural = "extractions", writes = rules)]
pub struct Extraction {
    /// The list that it was read for.
    pub import_job: Option<One<ImportJob>>,
    /// What was read.
    pub source_type: Of<ExtractionSource>,
    /// When.
    pub retrieved_at: Option<DateTime>,
    /// A code of the project it belongs to.
    pub project_code: Option<String>,
    /// Where the file or the page is.
    pub file_url: Option<String>,
    /// Where the project is.
    pub project_url: Option<String>,
    /// What was found in it.
    pub data: Option<Json>,
    /// What the program that read it calls this.
    pub instance_id: Option<String>,
}

/// `extractions.source_type`.
pub enum ExtractionSource {}

impl Vocabulary for ExtractionSource {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ExtractionSource",
            about: "What structured data was read out of.",
            words: SOURCES,
        }
    }
}

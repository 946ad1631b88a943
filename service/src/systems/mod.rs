//! Data migration from databases of other systems, one folder for each documented system.

pub mod enrichment;
mod json_text;
pub mod sales_assistant;
mod sqlite_source;

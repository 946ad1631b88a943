//! Databases that are brought over, lists that come in, and what providers know.

pub mod enrichment;
pub mod enrichment_source;
pub mod lists;
pub mod sales_assistant;

//! Data migrations, imports and enrichment.

pub mod enrichment;
pub mod enrichment_source;
pub mod lists;
pub mod sales_assistant;

//! Data migration from databases of other systems.

pub mod enrichment;
pub mod sales_assistant;

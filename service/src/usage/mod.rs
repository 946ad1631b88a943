//! The ledger of everything that costs money per use, and what it was spent on.

pub mod cost;
pub mod cost_report;
pub mod llm_usage_log;

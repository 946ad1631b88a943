//! Usage logs of everything that is paid per use, and what it was spent on.

pub mod cost;
pub mod cost_report;
pub mod daily_cost_summary;
pub mod llm_usage_log;
pub mod service_usage_log;

//! Usage logs of paid calls, and reports that attribute their cost.

pub mod cost;
pub mod cost_report;
pub mod daily_cost_summary;
pub mod llm_usage_log;
pub mod service_usage_log;

//! Usage logs of paid calls, and reports that attribute their cost.

pub mod cost;
pub mod daily_cost_summary;
pub mod llm_usage_log;
pub mod service_usage_log;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 3] {
    [llm_usage_log::table(), service_usage_log::table(), daily_cost_summary::table()]
}

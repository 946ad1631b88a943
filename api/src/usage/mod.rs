//! Usage logs of paid calls, and their cost per row.

pub mod daily_cost_summary;
pub mod llm_usage_log;
pub mod report;
pub mod service_usage_log;

use engine::Scope;
use service::usage::cost;

use graph::{RowView, error::Result};

/// The cost to date of these rows.
///
/// # Errors
/// `UNAVAILABLE` if the database does not respond.
pub async fn costs(scope: &Scope, of: cost::CostSubject, rows: &[RowView<'_>]) -> Result<Vec<f64>> {
    let keys = RowView::keys(rows);
    let costs = cost::to_date(scope, of, &keys).await?;
    Ok(keys.iter().map(|key| costs.get(key).copied().unwrap_or_default()).collect())
}

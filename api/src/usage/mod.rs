//! The ledger of everything that costs money per use, and what it was spent on.

pub mod daily_cost_summary;
pub mod llm_usage_log;
pub mod report;
pub mod service_usage_log;

use service::{Scope, usage::cost};

use crate::{error::Result, graph::RowView};

/// What each of these rows, told by their keys, has cost so far.
///
/// # Errors
/// `UNAVAILABLE` when the database does not answer.
pub async fn costs(scope: &Scope, of: cost::Of, rows: &[RowView<'_>]) -> Result<Vec<f64>> {
    let keys = RowView::keys(rows);
    let costs = cost::to_date(scope, of, &keys).await?;
    Ok(keys.iter().map(|key| costs.get(key).copied().unwrap_or_default()).collect())
}

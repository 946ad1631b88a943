//! Query plans of Postgres.

use serde_json::Value;

/// The rows that the scans of an executed plan read, including those that a condition removed.
#[must_use]
pub fn rows_read(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let below: f64 = node["Plans"].as_array().into_iter().flatten().map(rows_read).sum();
    let own = if node["Relation Name"].is_string() {
        let removed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        (number("Actual Rows") + removed) * number("Actual Loops")
    } else {
        0.0
    };
    own + below
}

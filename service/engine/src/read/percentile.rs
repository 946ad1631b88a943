//! Percentiles computed in Rust from the values that the database returns: SQLite has a percentile function only if it
//! was compiled with that option.

use crate::value::Value;

/// The value below which `share` of the numbers in a JSON array lies, interpolated between the two nearest numbers,
/// like `percentile_cont` in Postgres. Nulls are skipped; the result is null if there are no numbers.
pub(super) fn of_json(array: &Value, share: f64) -> Value {
    let Value::Text(array) = array else { return Value::Null };
    let numbers: Vec<Option<f64>> = serde_json::from_str(array).unwrap_or_default();
    of(numbers.into_iter().flatten().collect(), share).map_or(Value::Null, Value::Double)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the index is within a list that fits into memory"
)]
fn of(mut numbers: Vec<f64>, share: f64) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let (_, lower, above) = numbers.select_nth_unstable_by(below, f64::total_cmp);
    let lower = *lower;
    let upper = above.iter().copied().min_by(f64::total_cmp).unwrap_or(lower);
    Some(lower + (upper - lower) * (position - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated_between_neighbors() {
        for (share, expected) in [(0.0, 1.0), (0.5, 2.5), (0.9, 3.7), (1.0, 4.0)] {
            let found = of(vec![4.0, 1.0, 3.0, 2.0], share).unwrap();
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
        }
        assert_eq!(of(vec![7.0], 0.5), Some(7.0));
        assert_eq!(of(Vec::new(), 0.5), None);
    }
}

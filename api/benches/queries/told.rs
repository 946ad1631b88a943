//! Converts a response to the rows that the hand-written statements return.

use serde_json::{Value, json};

use crate::questions::Level;

impl Level {
    /// The rows of this level in the response, each as the values of its fields.
    pub(crate) fn told(&self, data: &Value) -> Vec<Vec<Value>> {
        let mut rows = vec![data];
        for step in self.path.split('.') {
            rows = rows
                .into_iter()
                .flat_map(|row| match &row[step] {
                    Value::Array(items) => items.iter().collect(),
                    Value::Null => Vec::new(),
                    one => vec![one],
                })
                .collect();
        }
        let cell = |row: &Value, field: &str| {
            let value = field.split('.').fold(row, |value, step| &value[step]);
            match value.as_str() {
                // A global ID becomes a primary key, and an enum value becomes lower case.
                Some(text) if matches!(field, "id" | "prospect.id" | "action.evidence") => {
                    json!(text.rsplit(':').next().unwrap_or_default().parse::<i64>().ok())
                }
                Some(text) if matches!(field, "status" | "action.kind") => {
                    json!(text.to_lowercase())
                }
                _ => value.clone(),
            }
        };
        rows.into_iter()
            .map(|row| self.fields.iter().map(|field| cell(row, field)).collect())
            .collect()
    }
}

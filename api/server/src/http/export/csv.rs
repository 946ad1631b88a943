//! CSV encoding of rows.

use serde_json::Value;

use crate::{csv::field, document::Table};

/// The header row: the path of each column, joined by dots.
pub(super) fn head(table: &Table) -> String {
    let mut out = String::new();
    let names = table.columns.iter().map(|path| Value::String(path.join(".")));
    line(&mut out, names);
    out
}

/// Encodes a row.
pub(super) fn row(out: &mut String, table: &Table, row: &Value) {
    let cells = table.columns.iter().map(|path| {
        let cell = path.iter().fold(row, |value, name| value.get(name).unwrap_or(&Value::Null));
        let is_rate = path.last().is_some_and(|name| is_rate(name));
        cell.as_f64().filter(|_| is_rate).map_or_else(|| cell.clone(), percentage)
    });
    line(out, cells);
}

/// Whether a field is a share of a whole, by its name: `replyRate`.
fn is_rate(name: &str) -> bool {
    name.ends_with("Rate")
}

/// A share as a percentage, which spreadsheets read as a number: `33.3%`.
fn percentage(rate: f64) -> Value {
    Value::String(format!("{:.1}%", rate * 100.0))
}

fn line(out: &mut String, cells: impl Iterator<Item = Value>) {
    let begun = out.len();
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.push(',');
        }
        match cell {
            Value::Null => {}
            // Numbers stay unquoted, including negative ones.
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Value::String(text) => field(out, &text),
            json => field(out, &json.to_string()),
        }
    }
    // An empty line would not be parsed as a row.
    if out.len() == begun {
        out.push_str("\"\"");
    }
    out.push_str("\r\n");
}

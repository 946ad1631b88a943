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
        path.iter().fold(row, |value, name| value.get(name).unwrap_or(&Value::Null)).clone()
    });
    line(out, cells);
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

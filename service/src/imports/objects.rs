//! Reads JSON files: one object per line (NDJSON), or an array of objects.

use std::collections::{BTreeMap, HashSet};

use engine::error::{Error, Result};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::file::{Format, List, MAX_NAME_LENGTH, refused, within_limits, without_null};
use super::lines::place;

/// A row: column names and cells.
type Cells = Vec<(String, String)>;

/// Maximum nesting depth of objects that are flattened.
const MAX_DEPTH: usize = 4;

/// Reads the objects of an NDJSON text.
pub(super) fn of_lines(text: &str, encoding: &str) -> Result<List> {
    let mut objects = Objects::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object = serde_json::from_str(line)
            .map_err(|_| refused(format!("line {} is not a JSON object", number + 1)))?;
        objects.add(&object, number as u64 + 1)?;
    }
    Ok(objects.list(encoding))
}

/// Reads the objects of a JSON array, one at a time.
pub(super) fn of_array(text: &str, encoding: &str) -> Result<List> {
    let mut objects = Objects::default();
    let read = serde_json::Deserializer::from_str(text).deserialize_seq(Items(&mut objects));
    match (objects.fault.take(), read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => {
            Err(refused(format!("the file is not an array of JSON objects: {error}")))
        }
        (None, Ok(())) => Ok(objects.list(encoding)),
    }
}

/// Collects the items of an array.
struct Items<'o>(&'o mut Objects);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while let Some(object) = items.next_element::<Map<String, Json>>()? {
            if let Err(fault) = self.0.add(&object, 0) {
                self.0.fault = Some(fault);
                return Err(A::Error::custom("the object exceeds a limit"));
            }
        }
        Ok(())
    }
}

/// Objects read so far.
#[derive(Default)]
struct Objects {
    head: Vec<String>,
    known: HashSet<String>,
    rows: Vec<Cells>,
    lines: Vec<u64>,
    fault: Option<Error>,
}

impl Objects {
    /// Adds an object. `line` is its 1-based line in the file, or 0 if unknown.
    fn add(&mut self, object: &Map<String, Json>, line: u64) -> Result<()> {
        let mut cells = Vec::new();
        for (name, value) in object {
            flatten(name, value, MAX_DEPTH, &mut cells);
        }
        within_limits(self.rows.len(), cells.len())?;
        for (name, _) in &cells {
            if name.chars().count() > MAX_NAME_LENGTH {
                return Err(refused(format!(
                    "{} has a column name with more than {MAX_NAME_LENGTH} characters",
                    place(self.rows.len(), line)
                )));
            }
            if self.known.insert(name.clone()) {
                self.head.push(name.clone());
            }
        }
        self.rows.push(cells);
        self.lines.push(line);
        within_limits(self.rows.len(), self.head.len())
    }

    fn list(self, encoding: &str) -> List {
        let head = self.head;
        let row = |cells: Cells| {
            let mut cells: BTreeMap<String, String> = cells.into_iter().collect();
            let mut row: Vec<String> =
                head.iter().map(|name| cells.remove(name).unwrap_or_default()).collect();
            without_null(&mut row);
            row
        };
        let rows = self.rows.into_iter().map(row).collect();
        List {
            format: Format::Ndjson,
            encoding: encoding.to_owned(),
            delimiter: None,
            head: head.into_iter().map(|name| name.replace('\0', "")).collect(),
            rows,
            lines: self.lines,
            sheets: None,
            faults: BTreeMap::new(),
        }
    }
}

/// Flattens a value into cells: the fields of an object are named by their path (`name.first`), and the items of an
/// array become one cell.
fn flatten(name: &str, value: &Json, deep: usize, cells: &mut Cells) {
    match value {
        Json::Object(fields) if deep > 0 => {
            for (field, value) in fields {
                flatten(&format!("{name}.{field}"), value, deep - 1, cells);
            }
        }
        Json::Array(items) => {
            let items: Vec<String> =
                items.iter().map(text).filter(|item| !item.is_empty()).collect();
            cells.push((name.to_owned(), items.join("; ")));
        }
        other => cells.push((name.to_owned(), text(other))),
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.trim().to_owned(),
        // A typed item contributes its value: `{"type": "work", "value": "ada@acme.example"}`.
        Json::Object(fields) if fields.get("value").is_some_and(Json::is_string) => {
            text(&fields["value"])
        }
        other => other.to_string(),
    }
}

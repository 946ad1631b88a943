//! Conversion of source rows; a row that can't be converted is rejected with reasons.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use engine::{
    enum_values::EnumValue,
    table::Column,
    value::{Kind, Value, without_leap_second},
};

use super::{
    Options, SourceWord,
    source::{Raw, RawRow},
    spec::TableSpec,
};
use crate::systems::json_text::inexact;

/// The reason why a cell is rejected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    pub(super) column: &'static str,
    pub(super) reason: String,
}

/// The converted row in the column order of the target table, or all reasons to reject it.
pub(super) fn row(
    spec: &TableSpec,
    organization: i64,
    raw: &RawRow,
    options: &Options,
) -> Result<Vec<Value>, Vec<Refusal>> {
    let mut row = Vec::with_capacity(raw.cells.len());
    let mut refusals = Vec::new();
    for (column, cell) in spec.table.columns.iter().zip(&raw.cells) {
        let value = match column.name {
            "organization_id" => Ok(Value::Int(organization)),
            "revision" => Ok(Value::Int(1)),
            // The domain is computed from the website when the row is inserted.
            "deleted_at" | "domain" => Ok(Value::Null),
            _ if spec.source_column(column).is_none() => Ok(spec.rules.first(column)),
            "id" if raw.id < 1 => Err("is not a positive integer".to_owned()),
            name => match spec.words.iter().find(|(known, _)| *known == name) {
                Some((_, words)) => word(spec, name, words, cell, options),
                None => value(column, cell),
            },
        };
        match value {
            Ok(value) => row.push(value),
            Err(reason) => {
                let column = spec.source_column(column).unwrap_or(column.name);
                refusals.push(Refusal { column, reason });
            }
        }
    }
    if refusals.is_empty() { Ok(row) } else { Err(refusals) }
}

fn value(column: &Column, cell: &Raw) -> Result<Value, String> {
    let text = match cell {
        Raw::Null if column.nullable => return Ok(Value::Null),
        Raw::Null => return Err("is null, but a value is required".to_owned()),
        Raw::Double(number) if number.is_finite() => return Ok(Value::Double(*number)),
        Raw::Double(_) => return Err("is not a finite number".to_owned()),
        Raw::Unreadable => return Err("is not valid text".to_owned()),
        Raw::Text(text) => text,
    };
    match column.kind {
        Kind::Text => checked(column, text).map(Value::Text),
        Kind::BigInt => text.parse().map(Value::Int).map_err(|_| "is not an integer".to_owned()),
        Kind::Int => match text.parse::<i32>() {
            Ok(number) => Ok(Value::Int(number.into())),
            Err(_) => Err("is not a 32-bit integer".to_owned()),
        },
        Kind::Bool => match text.as_str() {
            "1" | "true" | "t" => Ok(Value::Bool(true)),
            "0" | "false" | "f" => Ok(Value::Bool(false)),
            _ => Err("is neither true nor false".to_owned()),
        },
        Kind::Time => moment(text).map(Value::Time).ok_or_else(|| "is not a timestamp".to_owned()),
        Kind::Json => match serde_json::from_str(text) {
            Ok(serde_json::Value::Null) if column.nullable => Ok(Value::Null),
            Ok(json) if has_nul(&json) => Err("contains the NUL character".to_owned()),
            Ok(json) => Ok(Value::Json(json)),
            Err(_) => {
                let unread = inexact(text).map(|inexact| inexact.message().to_owned());
                Err(unread.unwrap_or_else(|| "is not JSON".to_owned()))
            }
        },
        Kind::Double => Err("is not a number".to_owned()),
    }
}

/// Whether the JSON contains NUL, the only character that Postgres does not support in JSON.
fn has_nul(json: &serde_json::Value) -> bool {
    match json {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(has_nul),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        _ => false,
    }
}

fn checked(column: &Column, text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("contains the NUL character".to_owned());
    }
    match column.length {
        Some(length) if text.chars().count() > length as usize => {
            Err(format!("is longer than {length} characters"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// Parses a timestamp of either engine. Without a time zone, it is in UTC.
pub(crate) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().replacen('T', " ", 1);
    let zoned = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%:z"]
        .iter()
        .find_map(|format| DateTime::parse_from_str(&text.replace('Z', "+00:00"), format).ok())
        .map(|time| time.with_timezone(&Utc));
    let naive = || {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
            .or_else(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
            .map(|time| time.and_utc())
    };
    let time = without_leap_second(zoned.or_else(naive)?);
    // Years with another number of digits would not sort correctly as text.
    (1..=9_999).contains(&time.year()).then(|| time.trunc_subsecs(6))
}

fn word(
    spec: &TableSpec,
    column: &str,
    words: &[EnumValue],
    cell: &Raw,
    options: &Options,
) -> Result<Value, String> {
    let Raw::Text(text) = cell else { return Err("is null, but a value is required".to_owned()) };
    let mapping =
        SourceWord { table: spec.name.to_owned(), column: column.to_owned(), word: text.clone() };
    if let Some(to) = options.words.get(&mapping) {
        return Ok(Value::Text(to.clone()));
    }
    let plain = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    if let Some(word) = words.iter().find(|word| word.name == plain) {
        return Ok(Value::Text(word.name.to_owned()));
    }
    let told = if text.is_empty() { "an empty string".to_owned() } else { format!("`{text}`") };
    let map = format!("--map {}.{column}:{text}=…", spec.name);
    Err(format!("{told} has no matching enum value; map it with {map}"))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn timestamps_of_both_engines_are_parsed() {
        for (text, expected) in [
            ("2026-03-01 09:30:00", "2026-03-01T09:30:00+00:00"),
            ("2026-03-01 09:30:00.123456", "2026-03-01T09:30:00.123456+00:00"),
            ("2026-03-01T09:30:00", "2026-03-01T09:30:00+00:00"),
            ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00+00:00"),
            ("2026-03-01 09:30:00+02", "2026-03-01T07:30:00+00:00"),
            ("2026-03-01 09:30:00.5+02:00", "2026-03-01T07:30:00.500+00:00"),
            ("2026-03-01", "2026-03-01T00:00:00+00:00"),
        ] {
            assert_eq!(moment(text).unwrap().to_rfc3339(), expected, "{text}");
        }
        for text in
            ["", "yesterday", "infinity", "2026-13-01", "1772357400", "12026-01-01 00:00:00"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}

/// Converts a row of arbitrary cells, or rejects it with reasons. For the fuzzer.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let Some((table, bytes)) = bytes.split_first() else { return };
    let specs = super::spec::tables();
    let spec = &specs[usize::from(*table) % specs.len()];
    let mut parts = bytes.split(|byte| *byte == 0xff);
    let cells = spec.table.columns.iter().map(|_| match parts.next() {
        None | Some([]) => Raw::Null,
        Some([0xfe, rest @ ..]) => match rest.first_chunk::<8>() {
            Some(eight) => Raw::Double(f64::from_le_bytes(*eight)),
            None => Raw::Unreadable,
        },
        Some(text) => String::from_utf8(text.to_vec()).map_or(Raw::Unreadable, Raw::Text),
    });
    let cells = cells.collect();
    let raw = RawRow { id: bytes.len() as i64 - 1, cells };
    match row(spec, 1, &raw, &Options::default()) {
        Ok(row) => {
            assert_eq!(row.len(), spec.table.columns.len());
            for (column, value) in spec.table.columns.iter().zip(&row) {
                if let (Value::Text(text), Some(most)) = (value, column.length) {
                    assert!(text.chars().count() <= most as usize, "{}", column.name);
                }
                if let Value::Text(text) = value {
                    assert!(!text.contains('\0'), "{}", column.name);
                }
                assert!(
                    column.nullable || *value != Value::Null || column.name == "id",
                    "{}",
                    column.name
                );
            }
        }
        Err(refusals) => assert!(!refusals.is_empty()),
    }
}

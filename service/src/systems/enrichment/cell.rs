//! Cells of the source and their conversion.

use engine::value::Value;
use serde_json::Value as Json;

use crate::systems::sales_assistant::moment;

/// A cell as read from the source.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Whole(i64),
    Real(f64),
    Text(String),
    /// Bytes that are not valid text.
    Unreadable,
}

/// The type of a source column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text with a maximum length in characters; 0 means unlimited.
    Text(u32),
    /// A non-negative integer.
    Whole,
    /// An amount in US dollars.
    Cost,
    /// A fraction from 0 to 1.
    Part,
    /// A number.
    Real,
    /// A boolean.
    Truth,
    Moment,
    /// JSON; invalid JSON is stored as a JSON string.
    Json,
    /// One of these enum values.
    EnumValue(&'static [&'static str]),
}

impl Cell {
    pub(super) fn of(kind: &str, text: Option<String>) -> Self {
        match (kind, text) {
            ("null", _) => Self::Null,
            ("integer", Some(text)) => text.parse().map_or(Self::Unreadable, Self::Whole),
            ("real", Some(text)) => text.parse().map_or(Self::Unreadable, Self::Real),
            ("text", Some(text)) => Self::Text(text),
            _ => Self::Unreadable,
        }
    }

    /// The cell as a source key, which identifies a row.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Null | Self::Unreadable => String::new(),
        }
    }

    /// Converts the cell to a column type; the error is the reason for the failure.
    pub(super) fn value(&self, kind: Kind) -> Result<Value, String> {
        Ok(match (kind, self) {
            (_, Self::Null) => Value::Null,
            (_, Self::Unreadable) => return Err("can't be read".to_owned()),
            (_, Self::Text(text)) if text.contains('\0') => {
                return Err("contains the NUL character, which is not supported".to_owned());
            }
            (Kind::Text(most), cell) => {
                let text = cell.key();
                if most > 0 && text.chars().count() > most as usize {
                    return Err(format!("is longer than {most} characters"));
                }
                Value::Text(text)
            }
            (Kind::Whole, Self::Whole(number)) => match i32::try_from(*number) {
                Ok(number) if number >= 0 => Value::Int(number.into()),
                Ok(_) => return Err("is below 0".to_owned()),
                Err(_) => return Err("is too large".to_owned()),
            },
            (Kind::Real | Kind::Cost | Kind::Part, Self::Real(number)) => {
                number_in_range(kind, *number)?
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite converts integers in the same way"
            )]
            (Kind::Real | Kind::Cost | Kind::Part, Self::Whole(number)) => {
                number_in_range(kind, *number as f64)?
            }
            (Kind::Truth, Self::Whole(0)) => Value::Bool(false),
            (Kind::Truth, Self::Whole(1)) => Value::Bool(true),
            (Kind::Moment, Self::Text(text)) => {
                Value::Time(moment(text).ok_or("is not a timestamp")?)
            }
            (Kind::Json, cell) => {
                let text = cell.key();
                let json = serde_json::from_str(&text).unwrap_or(Json::String(text));
                if has_nul(&json) {
                    return Err("contains the NUL character, which is not supported".to_owned());
                }
                // JSON null becomes SQL null, regardless of surrounding white space.
                if json.is_null() { Value::Null } else { Value::Json(json) }
            }
            (Kind::EnumValue(words), Self::Text(text)) => {
                if !words.contains(&text.as_str()) {
                    return Err(format!("is not one of {}", words.join(", ")));
                }
                Value::Text(text.clone())
            }
            (Kind::Whole, _) => return Err("is not an integer".to_owned()),
            (Kind::Real | Kind::Cost | Kind::Part, _) => return Err("is not a number".to_owned()),
            (Kind::Truth, _) => return Err("is neither 0 nor 1".to_owned()),
            (Kind::Moment, _) => return Err("is not a timestamp".to_owned()),
            (Kind::EnumValue(words), _) => {
                return Err(format!("is not one of {}", words.join(", ")));
            }
        })
    }
}

fn number_in_range(kind: Kind, number: f64) -> Result<Value, String> {
    let (most, told) = match kind {
        Kind::Part => (1.0, "is not from 0 to 1"),
        Kind::Cost => (1e6, "is not between 0 and 1000000 US dollars"),
        _ => (f64::MAX, "is not a non-negative number"),
    };
    if (0.0..=most).contains(&number) { Ok(Value::Double(number)) } else { Err(told.to_owned()) }
}

fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(list) => list.iter().any(has_nul),
        Json::Object(object) => {
            object.iter().any(|(name, json)| name.contains('\0') || has_nul(json))
        }
        _ => false,
    }
}

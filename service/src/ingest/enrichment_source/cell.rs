//! Cells of the source, and what they become.

use serde_json::Value as Json;

use crate::{ingest::sales_assistant::moment, value::Value};

/// A cell, as the source tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Whole(i64),
    Real(f64),
    Text(String),
    /// Bytes that are no text.
    Unreadable,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of at most so many characters; 0 without a limit.
    Text(u32),
    /// A count.
    Whole,
    /// US dollars.
    Cost,
    /// A part of a whole, from 0 to 1.
    Part,
    /// A number.
    Real,
    /// True or false.
    Truth,
    Moment,
    /// JSON; what is none becomes a JSON text.
    Json,
    /// One of these words.
    Word(&'static [&'static str]),
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

    /// As the key of a row.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Null | Self::Unreadable => String::new(),
        }
    }

    /// The value of a column of this kind, or why it is none.
    pub(super) fn value(&self, kind: Kind) -> Result<Value, String> {
        Ok(match (kind, self) {
            (_, Self::Null) => Value::Null,
            (_, Self::Unreadable) => return Err("can't be read".to_owned()),
            (_, Self::Text(text)) if text.contains('\0') => {
                return Err("holds the character NUL, which no database takes".to_owned());
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
                Err(_) => return Err("is too large a number".to_owned()),
            },
            (Kind::Real | Kind::Cost | Kind::Part, Self::Real(number)) => real(kind, *number)?,
            #[expect(clippy::cast_precision_loss, reason = "as SQLite does")]
            (Kind::Real | Kind::Cost | Kind::Part, Self::Whole(number)) => {
                real(kind, *number as f64)?
            }
            (Kind::Truth, Self::Whole(0)) => Value::Bool(false),
            (Kind::Truth, Self::Whole(1)) => Value::Bool(true),
            (Kind::Moment, Self::Text(text)) => Value::Time(moment(text).ok_or("is no moment")?),
            (Kind::Json, cell) => {
                let text = cell.key();
                let json = serde_json::from_str(&text).unwrap_or(Json::String(text));
                if has_nul(&json) {
                    return Err("holds the character NUL, which no database takes".to_owned());
                }
                // Null is null, however it is written.
                if json.is_null() { Value::Null } else { Value::Json(json) }
            }
            (Kind::Word(words), Self::Text(text)) => {
                if !words.contains(&text.as_str()) {
                    return Err(format!("is none of {}", words.join(", ")));
                }
                Value::Text(text.clone())
            }
            (Kind::Whole, _) => return Err("is no whole number".to_owned()),
            (Kind::Real | Kind::Cost | Kind::Part, _) => return Err("is no number".to_owned()),
            (Kind::Truth, _) => return Err("is neither 0 nor 1".to_owned()),
            (Kind::Moment, _) => return Err("is no moment".to_owned()),
            (Kind::Word(words), _) => return Err(format!("is none of {}", words.join(", "))),
        })
    }
}

fn real(kind: Kind, number: f64) -> Result<Value, String> {
    let (most, told) = match kind {
        Kind::Part => (1.0, "is not from 0 to 1"),
        Kind::Cost => (1e6, "is not from 0 to 1000000 US dollars"),
        _ => (f64::MAX, "is no number from 0 on"),
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

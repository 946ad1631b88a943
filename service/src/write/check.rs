//! Checks of single values.

use chrono::{DateTime, TimeDelta, Utc};
use email_address::{EmailAddress, Options};
use serde_json::Value as Json;

use super::rules::{Check, FieldRule};
use crate::{
    error::Problem,
    table::{Column, Kind},
    value::Value,
    web,
};

/// The most items of a JSON list.
const MOST_ITEMS: usize = 1_000;

/// By how much clocks may differ.
pub(crate) const SKEW: TimeDelta = TimeDelta::minutes(5);

/// What is wrong with `value` in `column`, if anything.
pub(super) fn problem(
    column: &Column,
    rule: &FieldRule,
    value: &Value,
    now: DateTime<Utc>,
) -> Option<Problem> {
    let refuse = |message: String| Some(Problem::invalid(column.name, message));
    if *value == Value::Null {
        let message = "it can't be absent".to_owned();
        return if column.nullable { None } else { refuse(message) };
    }
    if let (Value::Text(text), Some(length)) = (value, column.length) {
        let count = text.chars().count();
        if count > length as usize {
            return refuse(format!("it takes at most {length} characters, these are {count}"));
        }
    }
    if has_nul(value) {
        return refuse("it can't contain the character NUL".to_owned());
    }
    match (rule.check, value) {
        (Check::Filled, Value::Text(text)) if text.trim().is_empty() => {
            refuse("it can't be empty".to_owned())
        }
        (Check::AtMost(most), Value::Text(text)) if text.chars().count() > most as usize => refuse(
            format!("it takes at most {most} characters, these are {}", text.chars().count()),
        ),
        (Check::Email, Value::Text(text)) if !is_email(text) => {
            refuse("it must be an e-mail address, like ada@acme.example".to_owned())
        }
        (Check::Url, Value::Text(text)) if web::domain(text).is_none() => {
            refuse("it must be an address on the web, like https://acme.example".to_owned())
        }
        (Check::Between(from, to), Value::Double(number)) if !(from..=to).contains(number) => {
            refuse(format!("it must be from {from} to {to}"))
        }
        (Check::Between(from, to), Value::Int(number))
            if !i32::try_from(*number).is_ok_and(|n| (from..=to).contains(&f64::from(n))) =>
        {
            refuse(format!("it must be from {from} to {to}"))
        }
        (Check::NotLater, Value::Time(time)) if *time > now + SKEW => {
            refuse("it can't be in the future".to_owned())
        }
        (Check::List, Value::Json(json)) if !is_list(json) => {
            refuse(format!("it must be a list of texts and numbers, at most {MOST_ITEMS}"))
        }
        (Check::Object, Value::Json(json)) if !json.is_object() => {
            refuse("it must be an object".to_owned())
        }
        (Check::OneOf(words), Value::Text(text)) if !words.iter().any(|w| w.name == text) => {
            let words: Vec<_> = words.iter().map(|word| word.name).collect();
            refuse(format!("it must be one of {}", words.join(", ")))
        }
        _ => None,
    }
}

fn is_email(text: &str) -> bool {
    let options =
        Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
    EmailAddress::parse_with_options(text, options).is_ok()
}

fn is_list(json: &Json) -> bool {
    json.as_array().is_some_and(|items| {
        items.len() <= MOST_ITEMS && items.iter().all(|item| item.is_string() || item.is_number())
    })
}

/// What Postgres can hold in no text and no JSON.
fn has_nul(value: &Value) -> bool {
    fn in_json(json: &Json) -> bool {
        match json {
            Json::String(text) => text.contains('\0'),
            Json::Array(items) => items.iter().any(in_json),
            Json::Object(fields) => {
                fields.iter().any(|(name, value)| name.contains('\0') || in_json(value))
            }
            _ => false,
        }
    }
    match value {
        Value::Text(text) => text.contains('\0'),
        Value::Json(json) => in_json(json),
        _ => false,
    }
}

/// Whether a column takes JSON; its null is told from an absent value nowhere.
pub(super) fn without_null(column: &Column, value: Value) -> Value {
    match value {
        Value::Json(Json::Null) if column.kind == Kind::Json => Value::Null,
        other => other,
    }
}

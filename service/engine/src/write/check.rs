//! Validation of individual values.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::rules::{Check, FieldRule};
use crate::{
    error::Problem,
    normal_form::{country, domain, email, phone, profile, text},
    reason::Reason,
    table::Column,
    value::{Kind, Value},
};

/// The maximum number of items in a JSON list.
const MAX_ITEMS: usize = 1_000;

/// The tolerated clock skew.
pub const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Validates `value` for `column` and returns the problem, if any.
pub(super) fn problem(
    column: &Column,
    rule: &FieldRule,
    value: &Value,
    now: DateTime<Utc>,
) -> Option<Problem> {
    let refuse = |reason, message: String| Some(Problem::invalid(reason, column.name, message));
    if *value == Value::Null {
        let message = "is required".to_owned();
        return if column.nullable { None } else { refuse(Reason::ValueRequired, message) };
    }
    // Another text than the two-letter code is an unknown country, not a text that is too long.
    let length = column.length.filter(|_| !matches!(rule.check, Check::Country));
    if let (Value::Text(text), Some(length)) = (value, length) {
        let count = text.chars().count();
        if count > length as usize {
            return refuse(
                Reason::TextTooLong,
                format!("must be at most {length} characters (got {count})"),
            );
        }
    }
    if has_nul(value) {
        return refuse(
            Reason::CharacterNotAllowed,
            "must not contain the NUL character".to_owned(),
        );
    }
    if let (Value::Text(text), Some(_)) = (value, column.length)
        && text::has_control(text)
    {
        return refuse(
            Reason::CharacterNotAllowed,
            "must be a single line without control characters".to_owned(),
        );
    }
    match (rule.check, value) {
        (Check::Filled | Check::AtMost(_), Value::Text(text)) if text.trim().is_empty() => {
            refuse(Reason::ValueRequired, "must not be empty".to_owned())
        }
        (Check::AtMost(most), Value::Text(text)) if text.chars().count() > most as usize => refuse(
            Reason::TextTooLong,
            format!("must be at most {most} characters (got {})", text.chars().count()),
        ),
        (Check::Email, Value::Text(text)) if !email::is_address(text) => refuse(
            Reason::EmailInvalid,
            "must be an e-mail address, such as ada@acme.example".to_owned(),
        ),
        (Check::Phone, Value::Text(text)) if phone::written(text).is_none() => refuse(
            Reason::PhoneInvalid,
            "must be a phone number, preferably with a country code, such as +493012345678"
                .to_owned(),
        ),
        (Check::Profile, Value::Text(text)) if profile::written(text).is_none() => refuse(
            Reason::ProfileInvalid,
            "must be a LinkedIn profile, such as https://www.linkedin.com/in/ada".to_owned(),
        ),
        (Check::Url, Value::Text(text)) if domain::host(text).is_none() => refuse(
            Reason::UrlInvalid,
            "must be a web address, such as https://acme.example".to_owned(),
        ),
        (Check::Country, Value::Text(text)) if country::code(text) != Some(text) => refuse(
            Reason::CountryUnknown,
            "must be a country: a code of ISO 3166-1, such as DE, or a name".to_owned(),
        ),
        (Check::Between(from, to), Value::Double(number)) if !(from..=to).contains(number) => {
            refuse(Reason::ValueOutOfRange, format!("must be from {from} to {to}"))
        }
        (Check::Between(from, to), Value::Int(number))
            if !i32::try_from(*number).is_ok_and(|n| (from..=to).contains(&f64::from(n))) =>
        {
            refuse(Reason::ValueOutOfRange, format!("must be from {from} to {to}"))
        }
        (Check::NotLater, Value::Time(time)) if *time > now + SKEW => {
            refuse(Reason::TimeInFuture, "must not be in the future".to_owned())
        }
        (Check::List, Value::Json(json)) if !is_list(json) => refuse(
            Reason::ValueInvalid,
            format!("must be a list of at most {MAX_ITEMS} strings and numbers"),
        ),
        (Check::Object, Value::Json(json)) if !json.is_object() => {
            refuse(Reason::ValueInvalid, "must be a JSON object".to_owned())
        }
        (Check::OneOf(words), Value::Text(text)) if !words.iter().any(|w| w.name == text) => {
            let words: Vec<_> = words.iter().map(|word| word.name).collect();
            refuse(Reason::ValueUnknown, format!("must be one of {}", words.join(", ")))
        }
        _ => None,
    }
}

fn is_list(json: &Json) -> bool {
    json.as_array().is_some_and(|items| {
        items.len() <= MAX_ITEMS && items.iter().all(|item| item.is_string() || item.is_number())
    })
}

/// Whether the value contains NUL, which Postgres supports neither in text nor in JSON.
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

/// Normalizes a value for its column. JSON null and empty text become null in a nullable column; single-line text,
/// addresses, phone numbers and profiles get their stored form. A value without a normal form is unchanged and is
/// rejected by [`problem`].
pub(super) fn normal(column: &Column, rule: Option<&FieldRule>, value: Value) -> Value {
    let text = match value {
        Value::Json(Json::Null) if column.kind == Kind::Json => return Value::Null,
        Value::Text(text) => text,
        other => return other,
    };
    if text::trimmed(&text).is_empty() {
        return if column.nullable { Value::Null } else { Value::Text(String::new()) };
    }
    let stored = match rule.map(|rule| rule.check) {
        Some(Check::Email) => email::written(&text),
        Some(Check::Phone) => phone::written(&text).unwrap_or(text),
        Some(Check::Profile) => profile::written(&text).unwrap_or(text),
        Some(Check::Country) => country::code(&text).map_or(text, str::to_owned),
        _ if column.length.is_some() => text::trimmed(&text).to_owned(),
        _ => text,
    };
    Value::Text(stored)
}

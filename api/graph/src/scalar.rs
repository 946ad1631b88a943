//! Conversion of input and output values.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Name, OutputType, Positioned,
    ServerResult, Value, parser::types::Field,
};
use chrono::{Datelike, SecondsFormat, SubsecRound, Utc};
use engine::{Value as Cell, value::without_leap_second};

use super::{
    Vocabulary,
    declaration::{EnumType, Scalar},
    input,
    registration::Registry,
    registry::enumeration,
};
use crate::{
    error::{Error, Result},
    json_text,
};

/// Specification URL of the `DateTime` scalar.
pub const DATE_TIME_SPECIFICATION: &str = "https://scalars.graphql.org/andimarek/date-time.html";
/// Specification URL of the `JSON` scalar.
pub const JSON_SPECIFICATION: &str = "https://datatracker.ietf.org/doc/html/rfc8259";

/// Maximum length of a text in a filter, in characters.
const MAX_TEXT_LENGTH: usize = 1_000;

/// The name of a GraphQL type.
#[must_use]
pub fn type_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "String",
        Scalar::Boolean => "Boolean",
        Scalar::Int => "Int",
        Scalar::Float => "Float",
        Scalar::DateTime => "DateTime",
        Scalar::Json => "JSON",
        Scalar::Enum(ty) => ty.name,
    }
}

/// The enum value of a stored value: `pending_review` → `PENDING_REVIEW`.
#[must_use]
pub fn enum_value(ty: &EnumType, stored: &str) -> String {
    let known = ty.words.iter().find(|word| word.name == stored);
    known.map_or_else(|| stored.to_ascii_uppercase(), engine::enum_values::EnumValue::enum_value)
}

/// Writes a cell in its GraphQL form.
///
/// # Errors
/// `INTERNAL` if a stored value is not in its vocabulary.
pub fn write(out: &mut Vec<u8>, cell: &Cell, scalar: Scalar) -> Result<()> {
    match (cell, scalar) {
        (Cell::Null, _) => out.extend_from_slice(b"null"),
        (Cell::Text(word), Scalar::Enum(ty)) => {
            let Some(known) = ty.words.iter().find(|known| known.name == word) else {
                return Err(Error::internal(format!(
                    "invalid stored value `{word}` for {}",
                    ty.name
                )));
            };
            json_text::plain(out, &known.enum_value());
        }
        (Cell::Text(text), _) => json_text::plain(out, text),
        (Cell::Bool(value), _) => json_text::plain(out, value),
        (Cell::Int(value), _) => json_text::plain(out, value),
        // Numbers that JSON can't represent become null.
        (Cell::Double(value), _) => json_text::plain(out, value),
        (Cell::Time(time), _) => {
            json_text::plain(out, &time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        (Cell::Json(json), _) => json_text::plain(out, json),
    }
    Ok(())
}

/// A filter value for a column of type `scalar`.
///
/// # Errors
/// `INVALID`, with the accepted values.
pub fn input(value: &Value, scalar: Scalar, field: &str) -> Result<Cell> {
    let refuse = |takes: &str| {
        Err(Error::invalid(
            engine::Reason::ValueInvalid,
            field,
            format!("`{field}` must be {takes}"),
        ))
    };
    Ok(match (scalar, value) {
        (Scalar::String, Value::String(text)) => Cell::Text(text_input(text, field)?),
        (Scalar::Boolean, Value::Boolean(value)) => Cell::Bool(*value),
        (Scalar::Int, Value::Number(number)) => match number.as_i64().map(i32::try_from) {
            Some(Ok(number)) => Cell::Int(number.into()),
            _ => return refuse("a 32-bit integer"),
        },
        (Scalar::Float, Value::Number(number)) => match number.as_f64() {
            Some(number) if number.is_finite() => Cell::Double(number),
            _ => return refuse("a finite number"),
        },
        (Scalar::DateTime, Value::String(text)) => match time_input(text) {
            Some(time) => Cell::Time(time),
            None => return refuse(MOMENT),
        },
        (Scalar::Enum(ty), Value::Enum(name)) => word_input(ty.words, name, field)?,
        (Scalar::Enum(ty), Value::String(name)) => word_input(ty.words, name, field)?,
        _ => return refuse(type_name(scalar)),
    })
}

/// A value to store in a column of type `scalar`. The service validates the length of texts and the structure of
/// JSON documents.
///
/// # Errors
/// `INVALID`, with the accepted values.
pub fn written(value: &Value, scalar: Scalar, field: &str) -> Result<Cell> {
    match (scalar, value) {
        (Scalar::String, Value::String(text)) => Ok(Cell::Text(text.clone())),
        (Scalar::Json, value) => value.clone().into_json().map(Cell::Json).map_err(|_| {
            Error::invalid(engine::Reason::ValueInvalid, field, format!("`{field}` must be JSON"))
        }),
        (scalar, value) => input(value, scalar, field),
    }
}

/// Validates a text in a filter: its length, and that Postgres can store its characters.
///
/// # Errors
/// `INVALID`.
pub fn text_input(text: &str, field: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::invalid(
            engine::Reason::CharacterNotAllowed,
            field,
            format!("`{field}` must not contain the NUL character"),
        ));
    }
    if text.chars().count() > MAX_TEXT_LENGTH {
        return Err(Error::invalid(
            engine::Reason::TextTooLong,
            field,
            format!("`{field}` must be at most {MAX_TEXT_LENGTH} characters"),
        ));
    }
    Ok(text.to_owned())
}

/// The description of a date-time in error messages.
pub const MOMENT: &str = "an RFC 3339 date and time with a time zone, e.g. 2026-03-01T09:00:00Z";

/// Whether the scalar `DateTime` accepts `text`.
#[must_use]
pub fn is_moment(text: &str) -> bool {
    time_input(text).is_some()
}

fn time_input(text: &str) -> Option<chrono::DateTime<Utc>> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let time = without_leap_second(time.with_timezone(&Utc)).trunc_subsecs(6);
    // Years with more or fewer than four digits would not sort correctly as text, and Postgres has no year 0.
    (1..=9_999).contains(&time.year()).then_some(time)
}

fn word_input(words: &[engine::enum_values::EnumValue], name: &str, field: &str) -> Result<Cell> {
    let known = words.iter().find(|word| word.enum_value() == name);
    known.map(|word| Cell::Text(word.name.to_owned())).ok_or_else(|| {
        Error::invalid(
            engine::Reason::ValueUnknown,
            field,
            format!("invalid value `{name}` for `{field}`"),
        )
    })
}

/// A timestamp in a custom type: `DateTime`.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub chrono::DateTime<Utc>);

impl Moment {
    /// The timestamp in its GraphQL form.
    #[must_use]
    pub fn text(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl OutputType for Moment {
    fn type_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        <Self as OutputType>::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::String(self.text()))
    }
}

impl async_graphql::InputType for Moment {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        <Self as async_graphql::InputType>::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => time_input(&text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom(format!("the value must be {MOMENT}"))),
            other => Err(InputValueError::expected_type(other.unwrap_or_default())),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// A JSON value in a custom type: `JSON`.
#[derive(Clone, Debug)]
pub struct JsonText(pub serde_json::Value);

impl OutputType for JsonText {
    fn type_name() -> Cow<'static, str> {
        "JSON".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        <Self as OutputType>::qualified_type_name()
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Value::from_json(self.0.clone()).map_err(|error| {
            let error =
                Error::internal(format!("stored JSON can't be represented in GraphQL: {error}"));
            context.set_error_path(error.into_server_error(field.pos, Vec::new()))
        })
    }
}

impl async_graphql::InputType for JsonText {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        "JSON".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        <Self as async_graphql::InputType>::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let json = value.unwrap_or_default().into_json();
        json.map(Self).map_err(|_| InputValueError::custom("the value must be JSON"))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// An enum value as an argument or field of a custom type.
pub struct EnumValueOf<V>(&'static str, PhantomData<V>);

impl<V> Clone for EnumValueOf<V> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<V> std::fmt::Debug for EnumValueOf<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl<V> EnumValueOf<V> {
    /// An enum value that is known to be in the vocabulary.
    pub(super) fn of_static(name: &'static str) -> Self {
        Self(name, PhantomData)
    }

    /// The enum value, as stored.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0
    }
}

impl<V: Vocabulary> EnumValueOf<V> {
    /// The enum value that is stored as `name`; `None` if there is none.
    #[must_use]
    pub fn stored(name: &str) -> Option<Self> {
        let word = V::enum_type().words.iter().find(|word| word.name == name)?;
        Some(Self(word.name, PhantomData))
    }
}

impl<V: Vocabulary + Send + Sync> async_graphql::OutputType for EnumValueOf<V> {
    fn type_name() -> Cow<'static, str> {
        V::enum_type().name.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        enumeration(registry, V::enum_type());
        <Self as async_graphql::OutputType>::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(enum_value(V::enum_type(), self.0))))
    }
}

impl<V: Vocabulary + Send + Sync> async_graphql::InputType for EnumValueOf<V> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        V::enum_type().name.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        enumeration(registry, V::enum_type());
        <Self as async_graphql::InputType>::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let name = value.as_ref().and_then(input::enum_text);
        let known = V::enum_type()
            .words
            .iter()
            .find(|word| name.is_some_and(|name| word.enum_value() == name));
        known
            .map(|word| Self(word.name, PhantomData))
            .ok_or_else(|| InputValueError::expected_type(value.unwrap_or_default()))
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(enum_value(V::enum_type(), self.0)))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

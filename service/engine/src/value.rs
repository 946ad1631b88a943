//! Cell values, independent of the database engine.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use sea_orm::{DbErr, QueryResult, Value as Bind, sea_query::ArrayType};
use sqlx::{ColumnIndex, Decode, Row};

use crate::error::{Error, Result};

/// The type of a column, which determines how it is stored and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A 64-bit primary key or reference.
    BigInt,
    /// A 32-bit integer.
    Int,
    /// A floating-point number.
    Double,
    /// Text, compared without regard to the case of A–Z.
    Text,
    /// A timestamp.
    Time,
    /// A JSON document.
    Json,
}

/// The value of one cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer: counts, primary keys.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Text(String),
    /// A timestamp in UTC, truncated to microseconds.
    Time(DateTime<Utc>),
    /// A JSON document.
    Json(serde_json::Value),
}

/// Normalizes a leap second to the following second: no clock of this crate produces a leap second, and a timestamp
/// stored as text with a leap second does not sort correctly.
#[must_use]
pub fn without_leap_second(time: DateTime<Utc>) -> DateTime<Utc> {
    let second = 1_000_000_000;
    match time.nanosecond().checked_sub(second) {
        Some(nanosecond) => {
            let whole = time.with_nanosecond(nanosecond).unwrap_or(time);
            whole + TimeDelta::seconds(1)
        }
        None => time,
    }
}

impl Value {
    /// Reads the cell at `index` as `kind`. The caller passes the type of the column, so the driver does not need to
    /// detect the type.
    ///
    /// # Errors
    /// [`Error::Internal`] if the cell has another type.
    pub fn read(row: &QueryResult, index: usize, kind: Kind) -> Result<Self> {
        let read = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
            (Some(row), _) => Self::decode(row, index, kind),
            (_, Some(row)) => Self::decode(row, index, kind),
            _ => return Err(Error::internal("the row comes from an unsupported database driver")),
        };
        read.map_err(|error| DbErr::Type(error.to_string()).into())
    }

    fn decode<'r, R>(row: &'r R, index: usize, kind: Kind) -> Result<Self, sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        Option<bool>: Decode<'r, R::Database>,
        Option<i64>: Decode<'r, R::Database>,
        Option<i32>: Decode<'r, R::Database>,
        Option<f64>: Decode<'r, R::Database>,
        Option<String>: Decode<'r, R::Database>,
        Option<DateTime<Utc>>: Decode<'r, R::Database>,
        Option<serde_json::Value>: Decode<'r, R::Database>,
    {
        macro_rules! cell {
            ($value:expr) => {
                row.try_get_unchecked::<Option<_>, _>(index)?.map_or(Self::Null, $value)
            };
        }
        Ok(match kind {
            Kind::Bool => cell!(Self::Bool),
            Kind::BigInt => cell!(Self::Int),
            Kind::Int => cell!(|value: i32| Self::Int(value.into())),
            Kind::Double => cell!(Self::Double),
            Kind::Text => cell!(Self::Text),
            Kind::Time => cell!(Self::Time),
            Kind::Json => cell!(Self::Json),
        })
    }

    /// Converts the value to a bind parameter for a column of type `kind`.
    pub fn bind(self, kind: Kind) -> Bind {
        match (self, kind) {
            (Self::Bool(v), _) => Bind::Bool(Some(v)),
            (Self::Int(v), Kind::Int) => match i32::try_from(v) {
                Ok(v) => Bind::Int(Some(v)),
                Err(_) => Bind::BigInt(Some(v)),
            },
            (Self::Int(v), _) => Bind::BigInt(Some(v)),
            (Self::Double(v), _) => Bind::Double(Some(v)),
            (Self::Text(v), _) => Bind::String(Some(v)),
            (Self::Time(v), _) => Bind::ChronoDateTimeUtc(Some(v)),
            (Self::Json(v), _) => Bind::Json(Some(Box::new(v))),
            (Self::Null, Kind::Bool) => Bind::Bool(None),
            (Self::Null, Kind::BigInt) => Bind::BigInt(None),
            (Self::Null, Kind::Int) => Bind::Int(None),
            (Self::Null, Kind::Double) => Bind::Double(None),
            (Self::Null, Kind::Text) => Bind::String(None),
            (Self::Null, Kind::Time) => Bind::ChronoDateTimeUtc(None),
            (Self::Null, Kind::Json) => Bind::Json(None),
        }
    }

    /// Converts a list of values to one Postgres array.
    pub fn array(values: Vec<Self>, kind: Kind) -> Bind {
        let array_type = match kind {
            Kind::Bool => ArrayType::Bool,
            Kind::BigInt => ArrayType::BigInt,
            Kind::Int => ArrayType::Int,
            Kind::Double => ArrayType::Double,
            Kind::Text => ArrayType::String,
            Kind::Time => ArrayType::ChronoDateTimeUtc,
            Kind::Json => ArrayType::Json,
        };
        let binds = values.into_iter().map(|value| value.bind(kind)).collect();
        Bind::Array(array_type, Some(Box::new(binds)))
    }

    /// The value as JSON, with timestamps in the format that SQLite stores.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(v) => (*v).into(),
            Self::Int(v) => (*v).into(),
            Self::Double(v) => (*v).into(),
            Self::Text(v) => v.as_str().into(),
            Self::Time(v) => v.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false).into(),
            Self::Json(v) => v.clone(),
        }
    }

    /// The text in this cell; empty if it is null or has another type.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The timestamp in this cell; `None` if it is null or has another type.
    #[must_use]
    pub fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Time(time) => Some(*time),
            _ => None,
        }
    }

    /// The primary key in this cell; `None` if it is null or has another type.
    #[must_use]
    pub fn key(&self) -> Option<i64> {
        match self {
            Self::Int(key) => Some(*key),
            _ => None,
        }
    }
}

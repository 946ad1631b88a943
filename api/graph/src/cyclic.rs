//! Conditions on the day of the week and the hour of the day of a timestamp.

use async_graphql::Value;
use engine::{
    Reason,
    read::{Bucket, Test},
};

use super::input;
use crate::error::{Error, Result};

/// The days of the week in ISO 8601 order, starting with Monday (number 1).
pub(super) const WEEKDAYS: [&str; 7] =
    ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// Reads the conditions of a `CyclicTimeFilter`.
///
/// # Errors
/// `INVALID`, with the field and the accepted values.
pub(super) fn tests(value: &Value, path: &str) -> Result<Vec<Test>> {
    let Value::Object(fields) = value else {
        return Err(Error::invalid(
            Reason::ValueInvalid,
            path,
            format!("`{path}` must be an object"),
        ));
    };
    let zone = match fields.get("timeZone") {
        None | Some(Value::Null) => "UTC".to_owned(),
        Some(name) => input::id_text(name, "timeZone")?,
    };
    let zone = input::time_zone(&zone, &format!("{path}.timeZone"))?;
    let mut tests = Vec::new();
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match (name.as_str(), value) {
            ("timeZone", _) => {}
            ("weekday", Value::Enum(_) | Value::String(_)) => {
                let day = input::enum_text(value);
                let known = (1..).zip(WEEKDAYS).find(|(_, known)| Some(*known) == day);
                let (number, _) = known.ok_or_else(|| {
                    let message = format!("`{path}` must be a weekday, e.g. `MONDAY`");
                    Error::invalid(Reason::ValueInvalid, &path, message)
                })?;
                tests.push(Test::Cyclic(Bucket::Weekday, zone.clone(), number));
            }
            ("hourOfDay", Value::Number(hour)) => {
                let hour =
                    hour.as_i64().filter(|hour| (0..24).contains(hour)).ok_or_else(|| {
                        let message = format!("`{path}` must be from 0 to 23 (got {hour})");
                        Error::invalid(Reason::ValueOutOfRange, &path, message)
                    })?;
                tests.push(Test::Cyclic(Bucket::HourOfDay, zone.clone(), hour));
            }
            _ => {
                let message = format!("`{path}` must not be null; omit it instead");
                return Err(Error::invalid(Reason::ValueRequired, &path, message));
            }
        }
    }
    Ok(tests)
}

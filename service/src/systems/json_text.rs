//! Detects JSON texts of other systems that can't be parsed without loss.

/// Why a JSON text cannot be parsed without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inexact {
    /// Numbers exceed the supported precision and are rounded.
    Rounded,
    /// Valid JSON, but too deeply nested or with a number out of range.
    Unread,
}

impl Inexact {
    /// The message for users.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Rounded => {
                "has numbers beyond 64 bits or with more than 17 digits, which are rounded"
            }
            Self::Unread => {
                "is JSON that is nested deeper than 127 levels, or has a number beyond 1e308"
            }
        }
    }
}

/// Checks whether parsing a JSON text loses information. Returns `None` for lossless and for invalid JSON.
pub(super) fn inexact(text: &str) -> Option<Inexact> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => numbers(text).any(|number| !is_exact(number)).then_some(Inexact::Rounded),
        Err(error) => {
            let message = error.to_string();
            let is_json = ["recursion limit exceeded", "number out of range"];
            is_json.iter().any(|known| message.starts_with(known)).then_some(Inexact::Unread)
        }
    }
}

/// The numbers in a JSON text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = &rest[start..];
            if !rest.starts_with('"') {
                let is_part =
                    |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                rest = after;
                return Some(number);
            }
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            rest = end.map_or("", |(place, _)| &rest[place + 1..]);
        }
    })
}

/// Whether a number survives parsing with all its digits.
fn is_exact(number: &str) -> bool {
    if !number.contains(['.', 'e', 'E']) {
        return number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    }
    let Some(read) = number.parse::<f64>().ok().filter(|read| read.is_finite()) else {
        return false;
    };
    decimal(number) == decimal(&format!("{read:e}"))
}

/// The digits of a number without leading and trailing zeros, and the power of ten of the last digit.
fn decimal(number: &str) -> (String, i64) {
    let number = number.trim_start_matches('-').to_ascii_lowercase();
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or_default();
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    let all = digits.trim_end_matches('0');
    let dropped = digits.len() - all.len();
    let digits = all.trim_start_matches('0').to_owned();
    if digits.is_empty() {
        return (digits, 0);
    }
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    (digits, exponent - count(part.len()) + count(dropped))
}

#[cfg(test)]
mod tests {
    use super::{Inexact, inexact};

    #[test]
    fn detects_numbers_that_lose_precision() {
        for text in [
            "{}",
            "null",
            r#"{"a": [1, -2.50, 0.1, 1e3, 1.0e-7, 0, -0.0, 18446744073709551615, -9223372036854775808]}"#,
            r#"{"99999999999999999999999": "1.00000000000000000001 \" 99999999999999999999999"}"#,
            "no JSON: 18446744073709551617",
            "1.7976931348623157e308",
            "0.30000000000000004",
            "1e22",
        ] {
            assert_eq!(inexact(text), None, "{text}");
        }
        for text in [
            "18446744073709551617",
            "[-9223372036854775809]",
            r#"{"a\"b": 0.123456789012345678}"#,
            "1.00000000000000000001",
            "1e-400",
        ] {
            assert_eq!(inexact(text), Some(Inexact::Rounded), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for text in ["1e400", &deep] {
            assert_eq!(inexact(text), Some(Inexact::Unread), "{text}");
        }
    }
}

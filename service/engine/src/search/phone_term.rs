//! Phone numbers in search queries.

use super::query::{Spelling, Term};

/// The term for a query that is a phone number, in any of the usual spellings: its digits without leading zeros, as the
/// search index has them. A number starts with `+`, `0` or a parenthesis, or has at least nine digits, so that dates
/// (`05/03/2024`) and numbers that begin with a year (`2024-000123`) are not mistaken for phone numbers.
pub(super) fn read(query: &str) -> Option<Term> {
    let text = query.trim();
    let is_part =
        |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '/' | '.' | '-' | '–' | ' ');
    // `+49 (0)30 …`: the zero is not dialed with the country code.
    let digits: String = text.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let least = if text.starts_with(['+', '0', '(']) { 6 } else { 9 };
    let number = digits.trim_start_matches('0');
    if !text.chars().all(is_part) || digits.len() < least || number.len() < 4 || is_dated(text) {
        return None;
    }
    let mut word = vec![Spelling::of(number, false)];
    // Other texts have the number as it was typed.
    if digits != number && text == digits {
        word.push(Spelling::of(&digits, false));
    }
    Some(Term { words: vec![word], prefix: true, is_typed: true })
}

/// Whether a text is a date or a number that begins with a year.
fn is_dated(text: &str) -> bool {
    let groups: Vec<&str> = text.split(['.', '/', '-', '–']).map(str::trim).collect();
    let is_number = |group: &&str| group.bytes().all(|digit| digit.is_ascii_digit());
    if groups.len() < 2 || !groups.iter().all(is_number) {
        return false;
    }
    let is_year =
        |group: &str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let is_part = |group: &&str| matches!(group.len(), 1 | 2);
    is_year(groups[0]) || groups.len() <= 3 && groups[..groups.len() - 1].iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use crate::search::query::{How, Query, Where};

    fn asked(text: &str) -> String {
        Query::read(text).unwrap().tsquery(Where::Anywhere, How::AsAsked).unwrap()
    }

    #[test]
    fn phone_numbers_are_searched_by_their_digits() {
        for (text, digits) in [
            ("+49 30 1234-567", "(('49301234567':*))"),
            ("0049 (0)30/1234567", "(('49301234567':*))"),
            ("(030) 123 45 67", "(('301234567':*))"),
            ("0301234567", "(('301234567':* | '0301234567':*))"),
            ("212-555-0123", "(('2125550123':*))"),
        ] {
            assert_eq!(asked(text), digits, "{text}");
        }
        for text in [
            "2026-10-30",
            "01.02.2024",
            "05/03/24",
            "03-2024",
            "2024-000123",
            "030 call",
            "12345",
            "000000",
        ] {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let joined = format!("'{}'", digits.trim_start_matches('0'));
            assert!(text == "12345" || !asked(text).contains(&joined), "{text}");
        }
    }
}

//! Placeholders that people and export programs write into cells without a value.

use super::text::trimmed;

/// Words that mean "no value", in lower case.
const WORDS: &[&str] = &[
    "n/a",
    "n.a.",
    "n/a.",
    "n. a.",
    "n / a",
    "n\\a",
    "#n/a",
    "#na",
    "#ref!",
    "#value!",
    "#name?",
    "#null!",
    "#num!",
    "#div/0!",
    "\\n",
    "null",
    "(null)",
    "<null>",
    "nil",
    "none",
    "(none)",
    "nan",
    "undefined",
    "(blank)",
    "(leer)",
    "(empty)",
    "blank",
    "tbd",
    "tba",
    "k.a.",
    "k. a.",
    "keine angabe",
    "not available",
    "not applicable",
    "not provided",
    "not specified",
    "unbekannt",
    "unknown",
];

/// Placeholder words that are also surnames.
const SURNAMES: &[&str] = &["null", "nil", "none", "nan", "blank"];

/// Whether `text` means "no value": empty, only punctuation, or one of the placeholder words.
pub fn is_placeholder(text: &str) -> bool {
    let text = trimmed(text);
    let signs = |letter: char| {
        matches!(letter, '-' | '–' | '—' | '‐' | '‑' | '−' | '_' | '.' | '?' | '/' | '*' | '#')
    };
    text.chars().all(signs) || WORDS.contains(&text.to_lowercase().as_str())
}

/// Same as [`is_placeholder`], for a part of a person's name, where the capitalized word `Null` is a surname.
pub fn is_placeholder_name(text: &str) -> bool {
    let text = trimmed(text);
    let mut letters = text.chars();
    let capital = letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase);
    is_placeholder(text) && !(capital && SURNAMES.contains(&text.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::{is_placeholder, is_placeholder_name};

    #[test]
    fn placeholders_are_detected() {
        for text in [
            "N/A", "n/a", "-", "–", "—", "#N/A", "null", "NULL", "\\N", "...", "--", "?", "k.A.",
            " ", "",
        ] {
            assert!(is_placeholder(text), "{text}");
            assert!(is_placeholder_name(text), "{text}");
        }
        for text in ["Na", "Nana", "Nullmeier", "A", "x", "3M", "-5", "C#", "Unknown Worlds"] {
            assert!(!is_placeholder(text), "{text}");
        }
        assert!(!is_placeholder_name("Null"));
        assert!(!is_placeholder_name("Blank"));
    }
}

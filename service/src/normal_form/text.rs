//! Texts of one line.

use unicode_normalization::UnicodeNormalization;

/// Whether a character is shown as nothing: joiners, marks of direction, byte order marks, soft hyphens.
pub(crate) fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// `text` without blanks and invisible characters around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter))
}

/// `text` with single blanks between its words and composed letters (NFC). Joiners inside a word stay: Persian and emoji
/// need them.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split_whitespace().map(trimmed).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").nfc().collect()
}

/// A name that identifies a row, as it is compared: one line, in lower-case ASCII as all texts are.
pub(crate) fn name_key(text: &str) -> Option<String> {
    let name = one_line(text).to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

/// Whether `text` has a control character: a line break or a tab among them.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::{name_key, one_line, trimmed};

    #[test]
    fn blanks_and_invisible_characters_around_a_text_are_removed() {
        for text in
            ["Ada", " Ada ", "\u{a0}\u{200b}Ada\u{feff}", "\u{200e}Ada\u{200f}\t", "Ada\u{ad}"]
        {
            assert_eq!(trimmed(text), "Ada", "{text:?}");
        }
        assert_eq!(trimmed("\u{a0}\u{200b} "), "");
        assert_eq!(one_line("  Trim\u{a0} \n Ind "), "Trim Ind");
        assert_eq!(one_line("zoe\u{308}"), "zoë");
        assert_eq!(name_key("Trim\u{a0}Ind "), name_key("trim  ind"));
        assert_eq!(name_key(" \u{200b}"), None);
    }
}

//! Single-line text.

use unicode_normalization::UnicodeNormalization;

/// Whether a character is invisible: joiners, direction marks, byte order marks, soft hyphens.
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

/// `text` without surrounding whitespace and invisible characters.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter))
}

/// `text` in composed form (NFC) with single spaces between words. Joiners inside a word are kept, because Persian
/// and emoji need them.
pub fn one_line(text: &str) -> String {
    let words = text.split_whitespace().map(trimmed).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").nfc().collect()
}

/// The comparison value of a unique name: normalized to a single line, with A–Z in lower case, as in all text
/// comparisons.
pub fn name_key(text: &str) -> Option<String> {
    let name = one_line(text).to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

/// Whether `text` contains a control character, such as a line break or a tab.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::{name_key, one_line, trimmed};

    #[test]
    fn surrounding_whitespace_and_invisible_characters_are_trimmed() {
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

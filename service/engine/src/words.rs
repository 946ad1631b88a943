//! Words in the form in which the search compares them: without case and accents, split at every character that is
//! neither a letter nor a digit. The database splits and folds stored text by its own rules
//! (`migration/src/search/mod.rs`) and applies the same rules to query text. This module folds words only for
//! excerpts, alternative spellings and typo tolerance.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Byte range in the text.
    pub(crate) place: Range<usize>,
    /// The word, folded.
    pub(crate) word: String,
}

/// The words of `text`, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut start = None;
    for (place, letter) in text.char_indices() {
        // A combining mark belongs to its letter; modifier letters (`ʼ`) act as punctuation.
        let inside = (letter.is_alphanumeric() && !matches!(letter, '\u{2b0}'..='\u{2ff}'))
            || (start.is_some() && is_combining_mark(letter));
        match (inside, start) {
            (true, None) => start = Some(place),
            (false, Some(from)) => {
                found.push(token(text, from..place));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        found.push(token(text, from..text.len()));
    }
    found
}

fn token(text: &str, place: Range<usize>) -> Token {
    Token { word: folded(&text[place.clone()]), place }
}

/// `text` without case and accents: `Müller` is `muller`, `Straße` is `strasse`.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfd().filter(|letter| !is_accent(*letter)) {
        for letter in letter.to_lowercase().filter(|letter| !is_accent(*letter)) {
            match plain(letter) {
                Some(plain) => folded.push_str(plain),
                None => folded.push(letter),
            }
        }
    }
    // Recomposes characters that were not decomposed into a letter and an accent, e.g. Korean syllables.
    folded.nfc().collect()
}

/// Accents of Latin and Greek letters.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Replacement for a letter whose accent can't be removed by decomposition.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'ð' | 'Đ' | 'Ð' => "d",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        'ŋ' | 'Ŋ' => "n",
        'ı' => "i",
        'ς' => "σ",
        'ё' | 'Ё' => "е",
        'ά' | 'Ά' => "α",
        'έ' | 'Έ' => "ε",
        'ή' | 'Ή' => "η",
        'ί' | 'Ί' | 'ϊ' | 'Ϊ' | 'ΐ' => "ι",
        'ό' | 'Ό' => "ο",
        'ύ' | 'Ύ' | 'ϋ' | 'Ϋ' | 'ΰ' => "υ",
        'ώ' | 'Ώ' => "ω",
        _ => return None,
    })
}

/// The search word for FTS5: replaces letters that FTS5 does not fold; its tokenizer folds the remaining ones.
pub(crate) fn for_fts5(word: &str) -> String {
    let mut plain_word = String::with_capacity(word.len());
    for letter in word.chars() {
        match plain(letter) {
            Some(plain) => plain_word.push_str(plain),
            None => plain_word.push(letter),
        }
    }
    plain_word
}

/// The word with transliterated umlauts, if it has any: `Müller` becomes `mueller`.
pub(crate) fn spelled_out(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let mut spelled = String::with_capacity(lower.len() + 2);
    for letter in lower.chars() {
        match letter {
            'ä' => spelled.push_str("ae"),
            'ö' | 'ø' => spelled.push_str("oe"),
            'ü' => spelled.push_str("ue"),
            'å' => spelled.push_str("aa"),
            other => spelled.push(other),
        }
    }
    (spelled != lower).then_some(spelled)
}

/// The word without transliterated umlauts, if `ae`, `oe` or `ue` may represent umlauts: `mueller` becomes `muller`.
/// These pairs are unchanged where an umlaut is unlikely: at the end (`Joe`), or after a vowel or a `q` (`neue`,
/// `queen`).
pub(crate) fn contracted(folded: &str) -> Option<String> {
    let letters: Vec<char> = folded.chars().collect();
    let mut short = String::with_capacity(folded.len());
    let mut place = 0;
    while place < letters.len() {
        short.push(letters[place]);
        let before = place.checked_sub(1).map(|before| letters[before]);
        let pair = matches!(letters[place], 'a' | 'o' | 'u')
            && letters.get(place + 1) == Some(&'e')
            && place + 2 < letters.len()
            && !before.is_some_and(|before| matches!(before, 'a' | 'e' | 'i' | 'o' | 'u' | 'q'));
        place += if pair { 2 } else { 1 };
    }
    (short.chars().count() < letters.len()).then_some(short)
}

/// Words of a text, normalized for search: without case and accents.
pub fn words_of(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.word).collect()
}

#[cfg(test)]
mod tests {
    use super::{contracted, folded, spelled_out, tokens};

    #[test]
    fn words_are_split_and_folded() {
        let words = |text| tokens(text).into_iter().map(|token| token.word).collect::<Vec<_>>();
        assert_eq!(
            words("Jörg O'Brien <j.b@x-y.de>"),
            ["jorg", "o", "brien", "j", "b", "x", "y", "de"]
        );
        assert_eq!(
            words("U\u{308}ber STRAẞE Łódź OʼHara"),
            ["uber", "strasse", "lodz", "o", "hara"]
        );
        assert_eq!(folded("İstanbul ÆON ΟΔΟΣ Ελληνικά"), "istanbul aeon οδοσ ελληνικα");
        assert_eq!(folded("한국 東京ビル"), "한국 東京ビル");
    }

    #[test]
    fn umlauts_have_two_spellings() {
        assert_eq!(spelled_out("Müller").as_deref(), Some("mueller"));
        assert_eq!(spelled_out("Mueller"), None);
        assert_eq!(contracted("mueller").as_deref(), Some("muller"));
        for word in ["acme", "joe", "sue", "true", "neue", "queen", "bauer"] {
            assert_eq!(contracted(word), None, "{word}");
        }
    }
}

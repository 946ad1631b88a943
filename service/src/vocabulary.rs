//! Columns with a closed set of words: states, kinds.

/// One word of a closed vocabulary, as stored, with what it means.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// As stored: lower case, words joined by `_`.
    pub name: &'static str,
    /// What it means, for users.
    pub about: &'static str,
}

/// From which word of a vocabulary to which others a row may go.
pub(crate) type Moves = [(&'static str, &'static [&'static str])];

/// The words that may follow `from`.
pub(crate) fn next(moves: &Moves, from: &str) -> &'static [&'static str] {
    moves.iter().find(|(known, _)| *known == from).map_or(&[], |(_, to)| *to)
}

/// Words as users read them: `OPEN, CANCELLED`.
pub(crate) fn told(words: &[&str]) -> String {
    words.iter().map(|word| word.to_ascii_uppercase()).collect::<Vec<_>>().join(", ")
}

/// A word and its meaning.
#[must_use]
pub const fn word(name: &'static str, about: &'static str) -> Word {
    Word { name, about }
}

//! Columns with a closed set of words: states, kinds.

/// One word of a closed vocabulary, as stored, with what it means.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// As stored: lower case, words joined by `_`.
    pub name: &'static str,
    /// What it means, for users.
    pub about: &'static str,
}

/// A word and its meaning.
#[must_use]
pub const fn word(name: &'static str, about: &'static str) -> Word {
    Word { name, about }
}

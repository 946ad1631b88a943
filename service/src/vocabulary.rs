//! Columns with a closed set of words: states, kinds.

/// One word of a closed vocabulary, as stored, with what it means.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// As stored: lower case, words joined by `_`.
    pub name: &'static str,
    /// What it means, for users.
    pub about: &'static str,
    /// The name in the API, in lower case, where it differs from the stored one.
    published: Option<&'static str>,
}

impl Word {
    /// The value of the GraphQL enum: `PENDING_REVIEW`.
    #[must_use]
    pub fn enum_value(&self) -> String {
        self.published.unwrap_or(self.name).to_ascii_uppercase()
    }
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
    Word { name, about, published: None }
}

/// A word whose name in the API differs from the stored one: stored rows and the entries of the change log keep theirs.
#[must_use]
pub const fn word_published_as(
    name: &'static str,
    published: &'static str,
    about: &'static str,
) -> Word {
    Word { name, about, published: Some(published) }
}

//! Enum values of columns such as statuses and kinds.

/// An enum value as stored, with its description.
#[derive(Debug, Clone, Copy)]
pub struct EnumValue {
    /// The stored name: lower case, words joined by `_`.
    pub name: &'static str,
    /// The description shown to users.
    pub about: &'static str,
    /// The name in the API, in lower case, if it differs from the stored name.
    published: Option<&'static str>,
}

impl EnumValue {
    /// The value of the GraphQL enum: `PENDING_REVIEW`.
    #[must_use]
    pub fn enum_value(&self) -> String {
        self.published.unwrap_or(self.name).to_ascii_uppercase()
    }
}

/// The allowed transitions from each enum value.
pub type TransitionTable = [(&'static str, &'static [&'static str])];

/// The enum values that may follow `from`.
pub fn next(moves: &TransitionTable, from: &str) -> &'static [&'static str] {
    moves.iter().find(|(known, _)| *known == from).map_or(&[], |(_, to)| *to)
}

/// Enum values as shown to users: `OPEN, CANCELLED`.
pub fn display(words: &[&str]) -> String {
    words.iter().map(|word| word.to_ascii_uppercase()).collect::<Vec<_>>().join(", ")
}

/// Creates an enum value with a description.
#[must_use]
pub const fn enum_value(name: &'static str, about: &'static str) -> EnumValue {
    EnumValue { name, about, published: None }
}

/// Creates an enum value whose name in the API differs from the stored name. Stored rows and change log entries keep
/// the stored name.
#[must_use]
pub const fn enum_value_published_as(
    name: &'static str,
    published: &'static str,
    about: &'static str,
) -> EnumValue {
    EnumValue { name, about, published: Some(published) }
}

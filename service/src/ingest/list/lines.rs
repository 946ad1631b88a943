//! Lines of a file: where rows begin, and how messages name them.

/// The place of a row in messages: `row 12 (line 15)`. The index is from 0, the line 0 where there is none.
pub(super) fn place(index: usize, line: u64) -> String {
    let row = index.saturating_add(1);
    if line == 0 { format!("row {row}") } else { format!("row {row} (line {line})") }
}

/// Counts the lines of a text. The reader tells where it went on reading, which may be some empty lines before a row.
pub(super) struct Lines<'t> {
    bytes: &'t [u8],
    place: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), place: 0, line: 1 }
    }

    /// The line of the row that begins at this byte or behind the ends of lines there, from 1. Rows are asked for in their
    /// order.
    pub(super) fn of(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        let ends =
            self.bytes[byte..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let passed = self.bytes.get(self.place..byte + ends).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.place = self.place.max(byte + ends);
        self.line
    }
}

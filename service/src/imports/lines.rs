//! Line numbers of rows, and how messages refer to rows.

/// The position of a row in messages, e.g. `row 12 (line 15)`. `index` is 0-based; `line` is 0 if unknown.
pub(super) fn place(index: usize, line: u64) -> String {
    let row = index.saturating_add(1);
    if line == 0 { format!("row {row}") } else { format!("row {row} (line {line})") }
}

/// Counts the lines of a text. The byte position that the CSV reader reports may be before empty lines that precede the
/// row.
pub(super) struct Lines<'t> {
    bytes: &'t [u8],
    place: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), place: 0, line: 1 }
    }

    /// The 1-based line of the row that begins at this byte, or after any line breaks at this byte. Must be called
    /// in row order.
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

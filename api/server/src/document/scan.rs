//! Measurements of a document before it is parsed.

/// The token statistics of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Number of tokens.
    pub(super) tokens: usize,
    /// Number of directives.
    pub(super) directives: usize,
    /// Number of aliases: colons outside of arguments and variable definitions.
    pub(super) aliases: usize,
    /// Number of variables: definitions and uses.
    pub(super) variables: usize,
    /// Maximum nesting of brackets.
    pub(super) deepest: usize,
    /// Length of the longest name or number, in bytes.
    pub(super) longest_name: usize,
    /// Length of the longest string literal including quotes, in bytes.
    pub(super) longest_string: usize,
    /// The first syntax error that the parser does not detect, and its byte offset.
    pub(super) fault: Option<(usize, Fault)>,
}

/// A syntax error that the parser does not detect (apollo-parser 0.9.0-beta.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The name of an argument or an input field without a colon, which the parser drops.
    MissingColon,
    /// A selection set without a selection.
    EmptySelection,
}

/// State of a single-pass scan.
struct Reader<'d> {
    bytes: &'d [u8],
    found: Scan,
    /// The open brackets.
    open: Vec<u8>,
    parentheses: usize,
    /// The first byte of the previous token.
    previous: u8,
    /// The offset of the last token if it names an argument or input field.
    key: Option<usize>,
}

/// Scans a document in one pass without parsing it. Strings and comments are skipped.
pub(super) fn scan(document: &str) -> Scan {
    let bytes = document.as_bytes();
    let found = Scan::default();
    let mut reader =
        Reader { bytes, found, open: Vec::new(), parentheses: 0, previous: b' ', key: None };
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let length = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => 1,
            b'#' => {
                let rest = bytes[place..].iter();
                rest.take_while(|byte| !matches!(byte, b'\n' | b'\r')).count()
            }
            _ => reader.token(place, *byte),
        };
        place += length;
    }
    reader.found
}

impl Reader<'_> {
    /// Counts the token that begins with `byte` at `place`; returns its length.
    fn token(&mut self, place: usize, byte: u8) -> usize {
        self.found.tokens += 1;
        if let Some(name) = self.key.take()
            && byte != b':'
        {
            self.found.fault.get_or_insert((name, Fault::MissingColon));
        }
        let rest = &self.bytes[place..];
        let length = match byte {
            b'"' => {
                let length = string(rest);
                self.found.longest_string = self.found.longest_string.max(length);
                length
            }
            b'.' => rest.iter().take(3).take_while(|byte| **byte == b'.').count(),
            byte if is_of_word(byte) => {
                let length = rest.iter().take_while(|byte| is_of_word(**byte)).count();
                self.found.longest_name = self.found.longest_name.max(length);
                if self.is_key(byte) {
                    self.key = Some(place);
                }
                length
            }
            byte => {
                if byte == b'}' && self.previous == b'{' && self.parentheses == 0 {
                    self.found.fault.get_or_insert((place, Fault::EmptySelection));
                }
                self.sign(byte);
                1
            }
        };
        self.previous = byte;
        length
    }

    /// Whether a word that begins with `byte` names an argument or input field and is not a value.
    fn is_key(&self, byte: u8) -> bool {
        let named = match self.open.last() {
            Some(b'(') => true,
            Some(b'{') => self.parentheses > 0,
            _ => false,
        };
        named && !byte.is_ascii_digit() && !matches!(self.previous, b':' | b'$' | b'@' | b'=')
    }

    fn sign(&mut self, byte: u8) {
        match byte {
            b':' if self.parentheses == 0 => self.found.aliases += 1,
            b'@' => self.found.directives += 1,
            b'$' => self.found.variables += 1,
            b'{' | b'[' | b'(' => {
                self.parentheses += usize::from(byte == b'(');
                self.open.push(byte);
                self.found.deepest = self.found.deepest.max(self.open.len());
            }
            b'}' | b']' | b')' => {
                self.parentheses = self.parentheses.saturating_sub(usize::from(byte == b')'));
                self.open.pop();
            }
            _ => {}
        }
    }
}

/// Whether a byte belongs to a name or an integer. A spread or sign that follows a name or number without whitespace
/// is a separate token.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of the string at the start of `bytes`, including quotes.
fn string(bytes: &[u8]) -> usize {
    let block = bytes.starts_with(b"\"\"\"");
    let mut place = if block { 3 } else { 1 };
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' if block && bytes[place..].starts_with(b"\\\"\"\"") => place += 3,
            b'\\' if !block => place += 1,
            b'"' if !block => return place + 1,
            b'"' if bytes[place..].starts_with(b"\"\"\"") => return place + 3,
            _ => {}
        }
        place += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{Fault::*, scan};

    #[test]
    fn counts_brackets_outside_of_strings_and_comments() {
        for (document, depth) in [
            ("", 0),
            ("{ a(b: [{ c: 1 }]) { d } }", 4),
            ("{ a # {{{{\n }", 1),
            (r#"{ a(b: "{{{\"{{") }"#, 2),
            (r#"{ a(b: """ {{ " \""" {{ """) { c } }"#, 2),
            (r#"{ a(b: ""), c(d: "") { e } }"#, 2),
            ("}}}{", 1),
            ("{ \"unclosed {{{", 1),
        ] {
            assert_eq!(scan(document).deepest, depth, "{document}");
        }
    }

    #[test]
    fn counts_tokens_directives_and_aliases() {
        for (document, expected) in [
            ("", (0, 0, 0)),
            ("{ a }", (3, 0, 0)),
            ("query Q($n: Int = -1.5e3) { a: b(first: $n) @skip(if: true) ...F }", (33, 1, 1)),
            (r#"{ a(b: "x: y z", c: """ @no " @no """) } # @no: no"#, (11, 0, 0)),
            ("{ a: b(c: { d: [1] }) { e :f } }", (21, 0, 2)),
            ("{ ä }", (3, 0, 0)),
            ("{...A...B...C}", (8, 0, 0)),
            ("[1-1-1]", (7, 0, 0)),
        ] {
            let found = scan(document);
            assert_eq!((found.tokens, found.directives, found.aliases), expected, "{document}");
        }
    }

    #[test]
    fn measures_names_and_strings() {
        for (document, expected) in [
            ("{ a bcd }", (3, 0)),
            (r#"{ a(b: "cdef") }"#, (1, 6)),
            (r#"{ a(b: """c\"""d""") }"#, (1, 12)),
            (r#"{ a(b: "open"#, (1, 5)),
            ("{ a # comments_are_no_names\n }", (1, 0)),
        ] {
            let found = scan(document);
            assert_eq!((found.longest_name, found.longest_string), expected, "{document}");
        }
    }

    #[test]
    fn finds_syntax_errors_that_the_parser_accepts() {
        for (document, expected) in [
            ("{ a(b: {}, c: [{ d: {} }]) { e } }", None),
            ("query A($b: C = {}) { d }", None),
            ("{}", Some((1, EmptySelection))),
            ("{ a {} }", Some((5, EmptySelection))),
            ("{ a(b: 1) { , # c\n } }", Some((19, EmptySelection))),
            ("{ a(b: 1, c : $d, e: F, g: [H, I], j: { k: L }, m: null) @n(o: P) { q } }", None),
            ("query A($b: C = D, $e: [F!] = [G] @h, $i: J = { k: L }) { m }", None),
            (r#"query A("text" $b: C) { m }"#, None),
            ("{ a(b) { c } }", Some((4, MissingColon))),
            ("{ a(b c: 1) { c } }", Some((4, MissingColon))),
            ("{ a(c: D b) { c } }", Some((9, MissingColon))),
            ("{ a(c: { d e: 1 }) { c } }", Some((9, MissingColon))),
            ("{ a(c: [{ d }]) { c } }", Some((10, MissingColon))),
            ("{ a @b(c d: 1) }", Some((7, MissingColon))),
            ("query A($b: C = { d }) { m }", Some((18, MissingColon))),
        ] {
            assert_eq!(scan(document).fault, expected, "{document}");
        }
    }
}

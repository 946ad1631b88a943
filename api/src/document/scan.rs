//! What can be told of a document before it is parsed.

/// What stands in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// How many tokens.
    pub(super) tokens: usize,
    /// How many directives.
    pub(super) directives: usize,
    /// How many aliases: colons that stand in no argument and no variable.
    pub(super) aliases: usize,
    /// How deep brackets nest.
    pub(super) deepest: usize,
}

/// Reads a document once, without understanding it. Strings and comments are left out.
pub(super) fn scan(document: &str) -> Scan {
    let bytes = document.as_bytes();
    let (mut found, mut depth, mut parentheses, mut place) = (Scan::default(), 0_usize, 0_usize, 0);
    while let Some(byte) = bytes.get(place) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {}
            b'#' => {
                let rest = bytes[place..].iter();
                place += rest.take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
            }
            b'"' => {
                found.tokens += 1;
                place = after_string(bytes, place);
            }
            b'.' => {
                found.tokens += 1;
                place +=
                    bytes[place..].iter().take(3).take_while(|byte| **byte == b'.').count() - 1;
            }
            byte if is_of_word(*byte) => {
                found.tokens += 1;
                place += bytes[place..].iter().take_while(|byte| is_of_word(**byte)).count() - 1;
            }
            byte => {
                found.tokens += 1;
                match byte {
                    b'(' => parentheses += 1,
                    b')' => parentheses = parentheses.saturating_sub(1),
                    b':' if parentheses == 0 => found.aliases += 1,
                    b'@' => found.directives += 1,
                    _ => {}
                }
                match byte {
                    b'{' | b'[' | b'(' => {
                        depth += 1;
                        found.deepest = found.deepest.max(depth);
                    }
                    b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
        place += 1;
    }
    found
}

/// Names and whole numbers. What may stand without a space behind a name or a number, a spread or a sign,
/// is a token of its own.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The place of the last quote of the string that begins at `start`.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let block = bytes[start..].starts_with(b"\"\"\"");
    let mut place = if block { start + 3 } else { start + 1 };
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' if block && bytes[place..].starts_with(b"\\\"\"\"") => place += 3,
            b'\\' if !block => place += 1,
            b'"' if !block => return place,
            b'"' if bytes[place..].starts_with(b"\"\"\"") => return place + 2,
            _ => {}
        }
        place += 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::scan;

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
}

//! Checks the quoting of CSV (RFC 4180), because the lenient reader accepts misplaced quotation marks, which may merge
//! several rows into one cell.

use engine::error::Result;

use super::file::refused;
use crate::ingest::note::{Note, NoteCode};

/// A quoting error in a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line of the error, 1-based.
    pub(super) line: u64,
    /// The error message.
    pub(super) note: Note,
}

/// Finds rows with text after a closing quotation mark, and cells whose lines look like rows because they have as many
/// `delimiters` as the header row.
///
/// # Errors
/// [`engine::Error::Invalid`] if a quotation mark is not closed, because the text after it may contain rows.
pub(super) fn faults(text: &str, delimiter: char, delimiters: usize) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    if !text.contains('"') {
        return Ok(faults);
    }
    let mut letters = text.chars().peekable();
    let (mut line, mut at_start) = (1_u64, true);
    while let Some(letter) = letters.next() {
        if letter == '"' && at_start {
            let opened = line;
            let (mut inside, mut looks_like_rows) = (0, false);
            loop {
                match letters.next() {
                    None => {
                        return Err(refused(format!(
                            "the quotation mark opened in line {opened} is never closed; close it and retry"
                        )));
                    }
                    Some('"') if letters.peek() == Some(&'"') => {
                        letters.next();
                    }
                    Some('"') => break,
                    Some('\n') => {
                        looks_like_rows |= line > opened && delimiters > 1 && inside >= delimiters;
                        line += 1;
                        inside = 0;
                    }
                    Some(other) if other == delimiter => inside += 1,
                    Some(_) => {}
                }
            }
            if looks_like_rows {
                faults.push(Fault {
                    line: opened,
                    note: Note::new(
                        NoteCode::QuoteUnclosed,
                        [&opened.to_string(), &line.to_string()],
                    ),
                });
            }
            let next = letters.peek().copied();
            if next.is_some_and(|next| next != delimiter && !matches!(next, '\r' | '\n')) {
                faults.push(Fault {
                    line,
                    note: Note::new(NoteCode::TextAfterQuote, [&line.to_string()]),
                });
            }
            at_start = false;
            continue;
        }
        if letter == '\n' {
            line += 1;
        }
        at_start = letter == delimiter || letter == '\n';
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::faults;

    fn lines(text: &str) -> Vec<u64> {
        faults(text, ',', 2).unwrap().into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn valid_quoting_has_no_faults() {
        for text in [
            "a,b,c\n1,2,3\n",
            "a,b,c\n\"1, 2\",\"say \"\"hi\"\"\",3\n",
            "a,b,c\r\n\"one\r\ntwo\",2,3\r\n",
            "a,b,c\n1,5\" pipe,3\n",
            "a,b,c\n\"\",\"\",\"\"\n",
            "a,b,c\n\"Main Street 1,\nBonn\",2,3",
        ] {
            assert_eq!(lines(text), [0_u64; 0], "{text}");
        }
    }

    #[test]
    fn detects_quoting_errors_that_may_swallow_rows() {
        assert!(
            faults("n,e,c\nSt,st3@x,\"Open quote\nSu,su@x,X\n", ',', 2)
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
        assert_eq!(lines("n,e,c\nA,a@x,\"Open\nB,b@x,X\nC,c@x,\"Firm, Inc\"\n"), [2, 4]);
        assert_eq!(lines("n,e,c\n\"A\" B,a@x,X\n"), [2]);
    }
}

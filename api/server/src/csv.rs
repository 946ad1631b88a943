//! Comma-separated values (RFC 4180), escaped so that they are safe to open in a spreadsheet. Both the server and the
//! command line use this writer.

/// Characters at the start of a text that make a spreadsheet treat it as a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Spreadsheets treat full-width signs in the same way.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Characters that end a cell in some programs, depending on their delimiter.
const ENDS: [char; 5] = [',', ';', '\t', '|', '\n'];

/// Writes a text as a cell, quoted if necessary. Formulas are escaped with an apostrophe: at the start, after blanks
/// and invisible characters, and after separators of other programs.
pub fn field(out: &mut String, text: &str) {
    let text = guarded(text);
    if text.contains(['"', ',', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&text);
    }
}

fn guarded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let blank = |letter: char| {
        letter.is_whitespace()
            || matches!(
                letter,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{180e}'
            )
    };
    let first = text.trim_start_matches(blank).chars().next();
    let is_control = text.starts_with(['\t', '\r', '\n']);
    if is_control || first.is_some_and(|first| FORMULA.contains(&first)) {
        out.push('\'');
    }
    let mut before = None;
    for letter in text.chars() {
        if FORMULA.contains(&letter) && before.is_some_and(|before| ENDS.contains(&before)) {
            out.push('\'');
        }
        out.push(letter);
        before = Some(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn what_a_spreadsheet_would_compute_is_a_text() {
        for (text, cell) in [
            ("Ada", "Ada"),
            ("=1", "'=1"),
            ("+49", "'+49"),
            ("@x", "'@x"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\u{200b}=1", "'\u{200b}=1"),
            (" =1", "' =1"),
            ("\n=1", "\"'\n'=1\""),
            ("\tx", "'\tx"),
            ("a;=1", "a;'=1"),
            ("a,=1", "\"a,'=1\""),
            ("a\t=1", "a\t'=1"),
            ("a = b", "a = b"),
            ("a-b, c", "\"a-b, c\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ] {
            let mut out = String::new();
            field(&mut out, text);
            assert_eq!(out, cell, "{text:?}");
        }
    }
}

//! Comparison values of company names, without legal forms.

use crate::words;

/// Legal forms that are not ordinary words.
const FORMS: &[&str] = &[
    "gmbh",
    "ggmbh",
    "mbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "ug",
    "ek",
    "ev",
    "eg",
    "gbr",
    "inc",
    "llc",
    "llp",
    "lp",
    "ltd",
    "limited",
    "plc",
    "corp",
    "corporation",
    "incorporated",
    "sas",
    "sarl",
    "srl",
    "sasu",
    "eurl",
    "bv",
    "nv",
    "vof",
    "ab",
    "oy",
    "oyj",
    "aps",
    "asa",
    "sro",
    "kft",
    "zrt",
    "nyrt",
    "doo",
    "dd",
    "ood",
    "eood",
    "pty",
    "pte",
    "pvt",
    "sdn",
    "bhd",
    "gesmbh",
    "haftungsbeschrankt",
    "ltda",
    "eireli",
    "spzoo",
    "spk",
    "oao",
    "ooo",
    "zao",
    "pao",
    "uab",
    "sia",
    "ou",
    "as\u{142}",
];

/// Legal forms that are also ordinary words. They are recognized as legal forms only if written with periods or next to
/// another part of a legal form.
const AMBIGUOUS: &[&str] =
    &["spa", "co", "sa", "as", "se", "cie", "snc", "sc", "cv", "lda", "kk", "me", "ac", "scs"];

/// Connecting words between the parts of a legal form.
const BETWEEN: &[&str] = &["&", "+", "und", "and", "et", "y", "e"];

/// The comparison value of a name: folded, without trailing legal forms, and with a uniform spelling of umlauts.
pub fn key(text: &str) -> String {
    let tokens: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '/'))
        .filter(|token| !token.is_empty())
        .collect();
    let kept = without_forms(&tokens);
    let words = words::words_of(&kept.join(" "));
    let name: Vec<String> =
        words.into_iter().map(|word| words::contracted(&word).unwrap_or(word)).collect();
    // A name without letters and digits is its own comparison value.
    if name.is_empty() { text.trim().to_lowercase() } else { name.join(" ") }
}

/// Same as [`key`], for a computed column.
pub fn name_key(text: &str) -> Option<String> {
    Some(key(text)).filter(|name| !name.is_empty())
}

fn without_forms<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    let plain = |token: &str| words::words_of(token).concat();
    let mut end = tokens.len();
    let mut beside = false;
    while end > 1 {
        let token = tokens[end - 1];
        let word = plain(token);
        // `S. p. A.`, letter by letter.
        if let Some(start) = spaced(&tokens[..end]) {
            (end, beside) = (start, true);
            continue;
        }
        let before = tokens[..end - 1].last().copied().unwrap_or_default();
        let connected = BETWEEN[..2].contains(&before);
        let is_form = FORMS.contains(&word.as_str())
            || (AMBIGUOUS.contains(&word.as_str()) && (token.contains('.') || beside || connected));
        let is_between = beside && BETWEEN.contains(&token.to_lowercase().as_str());
        if !is_form && !is_between {
            break;
        }
        end -= 1;
        beside = true;
    }
    tokens[..end].to_vec()
}

/// The start of a legal form whose letters are separated and each followed by a period.
fn spaced(tokens: &[&str]) -> Option<usize> {
    let letters = tokens.iter().rev().take_while(|token| {
        token.chars().count() == 2 && token.ends_with('.') && token.starts_with(char::is_alphabetic)
    });
    let count = letters.count();
    let start = tokens.len() - count;
    let word: String = words::words_of(&tokens[start..].join(" ")).concat();
    let known = FORMS.contains(&word.as_str()) || AMBIGUOUS.contains(&word.as_str());
    (count >= 2 && start > 0 && known).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn company_names_compare_without_legal_forms() {
        for (text, expected) in [
            ("Müller Spedition GmbH & Co. KG", "muller spedition"),
            ("Mueller Spedition", "muller spedition"),
            ("Foo S.p.A.", "foo"),
            ("Foo S. p. A.", "foo"),
            ("Foo S.A.", "foo"),
            ("Foo", "foo"),
            ("Foo, Inc.", "foo"),
            ("Foo Co., Ltd.", "foo"),
            ("Foo SE & Co. KGaA", "foo"),
            ("Smith & Co", "smith"),
            ("Smith und Partner GmbH", "smith und partner"),
            ("Hot Co.", "hot"),
            ("Foo Sp. z o.o.", "foo sp z o o"),
            ("AG", "ag"),
            ("-", "-"),
        ] {
            assert_eq!(key(text), expected, "{text}");
        }
        assert_eq!(key("Müller Bau"), key("Mueller Bau GmbH"));
    }

    #[test]
    fn ordinary_words_are_not_legal_forms() {
        for (one, other) in [
            ("Day Spa", "Day"),
            ("Hot Co", "Hot"),
            ("Green Spa", "Green AG"),
            ("Blue SE", "Blue SA"),
            ("Bar As", "Bar"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }
}

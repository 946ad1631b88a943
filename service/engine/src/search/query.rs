//! Search queries: parsing of the query text and translation to the syntax of each engine.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

use super::phone_term;
use crate::error::{Error, Result};
use crate::words::{Token, contracted, folded, for_fts5, spelled_out, tokens};

/// Maximum length of a query, in characters.
const MAX_QUERY_LENGTH: usize = 300;

/// Maximum number of words of a query.
const MAX_WORDS: usize = 16;

/// Minimum number of letters for prefix matching of a word (or of the last part of a word with punctuation).
const PREFIX: usize = 3;

/// Minimum number of letters before `*`, and for prefix matching of the last of several words.
const STAR: usize = 2;

/// Separator word between fields, which prevents phrases from matching across fields (`migration/src/search/mod.rs`).
const GAP: &str = "x0gap0x";

/// Maximum number of spelling combinations of a phrase for FTS5, which does not support alternatives inside a phrase.
const MAX_WAYS: usize = 16;

/// A search query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Terms that must all match.
    pub(super) terms: Vec<Term>,
    /// Terms that must not match.
    without: Vec<Term>,
}

/// A word, or a phrase of several adjacent words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Words in order, each with its alternative spellings.
    pub(super) words: Vec<Vec<Spelling>>,
    /// Whether the last word matches as a prefix.
    pub(super) prefix: bool,
    /// Whether the term is unquoted.
    pub(super) is_typed: bool,
}

/// A spelling of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// Spelling as entered.
    typed: String,
    /// Spelling without case and accents.
    pub(super) folded: String,
    /// Whether this is an alternative spelling, which ranks lower than the entered spelling.
    loose: bool,
}

/// Fields to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Title,
    Anywhere,
}

/// Match mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// All words, whole and adjacent.
    Phrase,
    /// All words, whole.
    Whole,
    /// Words and phrases as entered.
    AsAsked,
}

impl Query {
    /// Parses a query: words, `"a phrase"`, `prefix*`, `-excluded`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the query is too long or has no search terms.
    pub(super) fn read(text: &str) -> Result<Self> {
        let refuse = |message: String| {
            Err(Error::invalid(crate::Reason::SearchTextInvalid, "query", message))
        };
        if text.chars().count() > MAX_QUERY_LENGTH {
            return refuse(format!("`query` must be at most {MAX_QUERY_LENGTH} characters"));
        }
        let mut query = Self { terms: Vec::new(), without: Vec::new() };
        let phone = phone_term::read(text);
        let mut rest = if phone.is_some() { "" } else { text.trim_start() };
        query.terms.extend(phone);
        while let Some(first) = rest.chars().next() {
            // Keyboards may produce a dash instead of a hyphen.
            let negative = matches!(first, '-' | '–' | '−');
            if negative {
                rest = &rest[first.len_utf8()..];
            }
            let quoted = rest.starts_with('"');
            let (piece, after) = if quoted {
                // An unclosed quotation extends to the end.
                rest[1..].split_once('"').unwrap_or((&rest[1..], ""))
            } else {
                // A quotation starts a new term.
                let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
                rest.split_at(end)
            };
            rest = after.trim_start();
            let Some(term) = Term::read(piece, quoted, negative) else { continue };
            let terms = if negative { &mut query.without } else { &mut query.terms };
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        if query.terms.is_empty() {
            let message =
                "`query` must contain at least one search term; exclusions alone are not enough";
            return refuse(message.to_owned());
        }
        // The last of several words may still be incomplete.
        if let [_, .., last] = query.terms.as_mut_slice()
            && last.word().is_some_and(|word| word.chars().count() >= STAR)
            && last.is_typed
        {
            last.prefix = true;
        }
        let words = query.terms.iter().chain(&query.without).map(|term| term.words.len());
        let words: usize = words.sum();
        if words > MAX_WORDS {
            return refuse(format!("`query` must have at most {MAX_WORDS} words (got {words})"));
        }
        Ok(query)
    }

    fn terms(&self, how: How) -> Option<Vec<Term>> {
        let whole = |term: &Term| Term {
            words: term.words.iter().map(|word| close(word)).collect(),
            prefix: false,
            is_typed: false,
        };
        match how {
            How::Phrase if self.terms.iter().map(|term| term.words.len()).sum::<usize>() < 2 => {
                None
            }
            How::Phrase => {
                let words = self.terms.iter().flat_map(|term| whole(term).words).collect();
                Some(vec![Term { words, prefix: false, is_typed: false }])
            }
            How::Whole => Some(self.terms.iter().map(whole).collect()),
            How::AsAsked => Some(self.terms.clone()),
        }
    }

    /// The query in FTS5 syntax (<https://www.sqlite.org/fts5.html>, section 3), restricted to documents with one of
    /// the tokens in `scope`.
    pub(super) fn fts5(&self, scope: &str, place: Where, how: How) -> Option<String> {
        let columns = match place {
            Where::Title => "{title}",
            Where::Anywhere => "{title body}",
        };
        let wanted: Vec<_> = self.terms(how)?.iter().map(Term::fts5).collect();
        let mut text =
            format!("({{scope}} : ({scope}) AND {columns} : ({}))", wanted.join(" AND "));
        for without in &self.without {
            let _ = write!(text, " NOT {{title body}} : {}", without.fts5());
        }
        Some(text)
    }

    /// The query as input of the function `search_query`: the syntax of `to_tsquery` (Postgres manual, section 12.3.2)
    /// with other operator characters ([`sign`]). The words of a phrase must all be in the title or all in the body.
    pub(super) fn tsquery(&self, place: Where, how: How) -> Option<String> {
        let mut parts: Vec<_> = self.terms(how)?.iter().map(|term| term.tsquery(place)).collect();
        parts.extend(self.without.iter().map(|term| format!("!{}", term.tsquery(Where::Anywhere))));
        Some(parts.join(" & "))
    }
}

/// The spellings as entered, without alternatives.
fn close(word: &[Spelling]) -> Vec<Spelling> {
    word.iter().filter(|spelling| !spelling.loose).cloned().collect()
}

/// Replaces the operators of `to_tsquery` with characters that occur in no word. The database removes accents after
/// the query is assembled, and a character without its accent may look like an operator.
pub(super) fn sign(query: &str) -> String {
    let mut signed = String::with_capacity(query.len());
    for letter in query.chars() {
        signed.push(match letter {
            '\'' => '\u{1}',
            ':' => '\u{2}',
            '&' => '\u{3}',
            '|' => '\u{4}',
            '!' => '\u{5}',
            '(' => '\u{6}',
            ')' => '\u{7}',
            '*' => '\u{8}',
            '<' => '\u{e}',
            '-' => '\u{f}',
            '>' => '\u{10}',
            other => other,
        });
    }
    signed
}

impl Term {
    fn read(piece: &str, quoted: bool, negative: bool) -> Option<Self> {
        let mut tokens = tokens(piece);
        // The field separator is not a word.
        tokens.retain(|token| token.word != GAP);
        let last = tokens.last()?;
        let letters = |token: &Token| token.word.chars().count();
        let behind = &piece[last.place.end..];
        let star = behind.starts_with('*') && letters(last) >= STAR;
        // The term may be an incomplete address.
        let goes_on = tokens.len() > 1
            && behind.is_empty()
            && tokens.iter().map(letters).sum::<usize>() >= PREFIX;
        // Excluded terms match only exactly as entered.
        let by_beginning = !quoted && !negative && (letters(last) >= PREFIX || goes_on);
        let words = tokens.iter().map(|token| {
            let typed: String = piece[token.place.clone()].nfc().collect();
            let mut word = vec![Spelling::of(&typed, false)];
            word.extend(spelled_out(&typed).map(|spelled| Spelling::of(&spelled, false)));
            if !quoted && !negative {
                let short = contracted(&token.word);
                word.extend(short.map(|short| Spelling::of(&short, true)));
            }
            word
        });
        Some(Self { words: words.collect(), prefix: star || by_beginning, is_typed: !quoted })
    }

    /// The folded word of this term, if it is a single word.
    pub(super) fn word(&self) -> Option<&str> {
        match self.words.as_slice() {
            [word] => word.first().map(|spelling| spelling.folded.as_str()),
            _ => None,
        }
    }

    /// Adds an alternative word; returns whether it is new.
    pub(super) fn also(&mut self, other: &str) -> bool {
        let Some(word) = self.words.first_mut() else { return false };
        if word.iter().any(|spelling| spelling.folded == other) {
            return false;
        }
        word.push(Spelling::of(other, false));
        true
    }

    /// This term in FTS5 syntax.
    pub(super) fn fts5(&self) -> String {
        let mut ways: Vec<Vec<String>> = vec![Vec::new()];
        for word in &self.words {
            let longer = ways.iter().flat_map(|way| {
                word.iter().map(|spelling| {
                    let mut way = way.clone();
                    way.push(for_fts5(&spelling.typed));
                    way
                })
            });
            ways = longer.take(MAX_WAYS).collect();
        }
        let star = if self.prefix { " *" } else { "" };
        let ways = ways.iter().map(|way| format!("\"{}\"{star}", way.join(" ")));
        format!("({})", ways.collect::<Vec<_>>().join(" OR "))
    }

    /// This term in the syntax of `search_query`.
    pub(super) fn tsquery(&self, place: Where) -> String {
        let phrase = |weight: &str| {
            let last = self.words.len().saturating_sub(1);
            let words = self.words.iter().enumerate().map(|(number, word)| {
                let star = if self.prefix && number == last { "*" } else { "" };
                let mark = if star.is_empty() && weight.is_empty() { "" } else { ":" };
                let ways = word.iter().map(|one| format!("'{}'{mark}{star}{weight}", one.typed));
                format!("({})", ways.collect::<Vec<_>>().join(" | "))
            });
            words.collect::<Vec<_>>().join(" <-> ")
        };
        match (place, self.words.len()) {
            (Where::Title, _) => format!("({})", phrase("A")),
            (Where::Anywhere, 0 | 1) => format!("({})", phrase("")),
            (Where::Anywhere, _) => format!("(({}) | ({}))", phrase("A"), phrase("D")),
        }
    }
}

impl Spelling {
    pub(super) fn of(typed: &str, loose: bool) -> Self {
        Self { typed: typed.to_owned(), folded: folded(typed), loose }
    }
}

#[cfg(test)]
mod tests {
    use super::{How, Query, Where};

    fn both(text: &str) -> (String, String) {
        let query = Query::read(text).unwrap();
        let fts5 = query.fts5("\"o1t0\"", Where::Anywhere, How::AsAsked).unwrap();
        (fts5, query.tsquery(Where::Anywhere, How::AsAsked).unwrap())
    }

    #[test]
    fn queries_are_translated_for_both_engines() {
        let scope = "{scope} : (\"o1t0\") AND {title body}";
        assert_eq!(
            both("AG acme"),
            (
                format!("({scope} : ((\"AG\") AND (\"acme\" *)))"),
                "(('AG')) & (('acme':*))".to_owned()
            )
        );
        assert_eq!(
            both("acme ag").1,
            "(('acme':*)) & (('ag':*))",
            "the last word matches as a prefix"
        );
        assert_eq!(both("acme –ag").1, "(('acme':*)) & !(('ag'))");
        assert_eq!(
            both("\"next step\" -Müller ber*"),
            (
                format!(
                    "({scope} : ((\"next step\") AND (\"ber\" *))) NOT {{title body}} : (\"Müller\" OR \"mueller\")"
                ),
                "((('next':A) <-> ('step':A)) | (('next':D) <-> ('step':D))) & (('ber':*)) & \
                 !(('Müller' | 'mueller'))"
                    .to_owned()
            )
        );
    }

    #[test]
    fn prefix_matching_requires_a_minimum_of_letters() {
        for (text, told) in [
            ("C++", "(('C'))"),
            ("(a)", "(('a'))"),
            ("a*", "(('a'))"),
            ("ag*", "(('ag':*))"),
            ("R&D", "((('R':A) <-> ('D':A)) | (('R':D) <-> ('D':D)))"),
            ("joe", "(('joe':*))"),
            ("mueller", "(('mueller':* | 'muller':*))"),
        ] {
            assert_eq!(both(text).1, told, "{text}");
        }
        let whole = Query::read("mueller x").unwrap();
        let told = whole.tsquery(Where::Title, How::Whole).unwrap();
        assert_eq!(
            told, "(('mueller':A)) & (('x':A))",
            "alternative spellings don't match in whole-word mode"
        );
    }

    #[test]
    fn query_syntax_in_input_is_treated_as_words() {
        for text in [
            "a' | b & !c:*",
            "NEAR(a b)",
            "x\" OR \"y",
            "col : z",
            "a*b",
            "-- \"",
            "(((",
            "^a",
            "'",
        ] {
            if let Ok(query) = Query::read(text) {
                let told = format!("{query:?}");
                let terms = query.terms.iter().chain(&query.without);
                let words = terms.flat_map(|term| term.words.concat());
                assert!(
                    words.into_iter().all(|word| word.typed.chars().all(char::is_alphanumeric)),
                    "{told}"
                );
            }
        }
        assert!(Query::read("-only -without").is_err());
        assert!(Query::read("  . ").is_err());
        let many: String = ('a'..='q').flat_map(|letter| [letter, ' ']).collect();
        assert!(Query::read(&many).is_err());
        assert_eq!(Query::read(&"same ".repeat(40)).unwrap().terms.len(), 1);
    }
}

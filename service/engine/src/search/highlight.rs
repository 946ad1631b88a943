//! Highlights: marked excerpts of matching text.

use super::query::{Query, Term};
use crate::words::{Token, tokens};

/// Approximate length of an excerpt, in bytes.
const LENGTH: usize = 160;

/// Maximum number of matching words considered.
const MAX_HITS: usize = 2_000;

/// A segment of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Text of the segment.
    pub text: String,
    /// Whether the segment matches the query.
    pub found: bool,
}

/// A matching word: its index, and a bit mask of the terms it matches.
type Hit = (usize, u16);

/// The excerpt of `text` with the most matches, cut at word boundaries; `None` if nothing matches.
pub(super) fn excerpt(text: &str, query: &Query) -> Option<Vec<Part>> {
    let tokens = tokens(text);
    let hits = hits(&tokens, query);
    if hits.is_empty() {
        return None;
    }
    let (first, last) = window(&tokens, &hits);
    let mut parts: Vec<Part> = Vec::new();
    let mut put = |text: &str, found: bool| match parts.last_mut() {
        Some(part) if part.found == found => part.text.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part { text: text.to_owned(), found }),
    };
    let mut place = tokens[first].place.start;
    if first > 0 || place > LENGTH / 4 {
        put("… ", false);
    } else {
        put(&text[..place], false);
    }
    for (number, token) in tokens.iter().enumerate().take(last + 1).skip(first) {
        let between = &text[place..token.place.start];
        put(if between.len() > LENGTH / 4 { " … " } else { between }, false);
        let found = hits.binary_search_by_key(&number, |(place, _)| *place).is_ok();
        let (word, whole) = beginning(&text[token.place.clone()]);
        put(word, found);
        if !whole {
            put("…", false);
        }
        place = token.place.end;
    }
    let behind = &text[place..];
    put(if last + 1 < tokens.len() || behind.len() > LENGTH / 4 { " …" } else { behind }, false);
    Some(parts)
}

/// The longest beginning of a word that fits into an excerpt, and whether it is the whole word.
fn beginning(word: &str) -> (&str, bool) {
    if word.len() <= LENGTH {
        return (word, true);
    }
    let end = (0..=LENGTH).rev().find(|end| word.is_char_boundary(*end)).unwrap_or_default();
    (&word[..end], false)
}

/// The matching words, in order.
fn hits(tokens: &[Token], query: &Query) -> Vec<Hit> {
    let mut found: Vec<Hit> = Vec::new();
    for place in 0..tokens.len() {
        for (number, term) in query.terms.iter().enumerate() {
            if fits(term, &tokens[place..]) {
                found.extend((place..place + term.words.len()).map(|place| (place, 1 << number)));
            }
        }
        if found.len() > MAX_HITS {
            break;
        }
    }
    found.sort_unstable();
    found.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 |= next.1;
        }
        same
    });
    found
}

/// Whether these words begin with `term`.
fn fits(term: &Term, tokens: &[Token]) -> bool {
    let last = term.words.len().saturating_sub(1);
    term.words.len() <= tokens.len()
        && term.words.iter().zip(tokens).enumerate().all(|(number, (word, token))| {
            word.iter().any(|spelling| {
                if term.prefix && number == last {
                    token.word.starts_with(&spelling.folded)
                } else {
                    token.word == spelling.folded
                }
            })
        })
}

/// First and last word of the excerpt: the window with the most terms, then the most words.
fn window(tokens: &[Token], hits: &[Hit]) -> (usize, usize) {
    let mut best = (0, 0, 0);
    let mut end = 0;
    for (number, (place, _)) in hits.iter().enumerate() {
        let from = tokens[*place].place.start;
        end = end.max(number + 1);
        while end < hits.len() && tokens[hits[end].0].place.end <= from + LENGTH {
            end += 1;
        }
        // At most about eighty words fit into this distance.
        let near = &hits[number..end];
        let terms = near.iter().fold(0, |terms: u16, (_, more)| terms | more).count_ones();
        if (terms, near.len()) > (best.0, best.1) {
            best = (terms, near.len(), *place);
        }
    }
    let (mut first, mut last) = (best.2, best.2);
    let length = |first: usize, last: usize| tokens[last].place.end - tokens[first].place.start;
    // Adds some words of context before the match, and then as many words after the match as fit.
    while first > 0 && length(first - 1, best.2) <= LENGTH / 4 {
        first -= 1;
    }
    while last + 1 < tokens.len() && length(first, last + 1) <= LENGTH {
        last += 1;
    }
    // If the text ends early, adds more words before the match.
    while first > 0 && length(first - 1, last) <= LENGTH {
        first -= 1;
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::{Query, excerpt};

    fn marked(text: &str, query: &str) -> Option<String> {
        let parts = excerpt(text, &Query::read(query).unwrap())?;
        Some(
            parts
                .iter()
                .map(|part| if part.found { format!("«{}»", part.text) } else { part.text.clone() })
                .collect(),
        )
    }

    #[test]
    fn excerpts_mark_matches_as_written() {
        assert_eq!(
            marked("Frau Müller-Lüdenscheidt, Straße 3", "mueller stras").unwrap(),
            "Frau «Müller»-Lüdenscheidt, «Straße» 3"
        );
        assert_eq!(
            marked("one two one, three", "\"one three\"").unwrap(),
            "one two «one», «three»"
        );
        assert_eq!(marked("nothing here", "else"), None);
        assert_eq!(marked("", "else"), None);
    }

    #[test]
    fn excerpts_show_the_window_with_most_matches() {
        let text = format!("alpha {}alpha beta {}", "filler ".repeat(60), "more ".repeat(60));
        let marked = marked(&text, "alpha beta").unwrap();
        assert!(
            marked.contains("«alpha» «beta»") && marked.starts_with("… ") && marked.ends_with(" …"),
            "{marked}"
        );
        assert!(marked.len() < 200, "{marked}");
    }

    #[test]
    fn excerpts_are_short_for_any_text() {
        let dashes = "-".repeat(90_000);
        for text in [
            format!("{dashes} gapword {dashes}"),
            format!("gapword {dashes} gapword"),
            format!("gapword{}", "ß".repeat(90_000)),
            "gapword ".repeat(30_000),
        ] {
            let marked = marked(&text, "gapword").unwrap();
            assert!(marked.contains("«gapword") && marked.len() < 500, "{}", marked.len());
        }
    }
}

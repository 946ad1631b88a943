//! Fuzzy matching: similar words, for typo tolerance.

use std::collections::BTreeSet;

use sea_orm::Value as Bind;

use super::{
    SearchedTable,
    query::{Query, Where, sign},
    sql,
};
use crate::{error::Result, scope::Scope, store::Engine, words};

/// Maximum number of alternatives per word.
const MAX_ALTERNATIVES: usize = 5;

/// Minimum word length; shorter words have too many neighbors.
const MIN_WORD_LENGTH: usize = 4;

/// Minimum share of common trigrams of two similar words. The minimum is lower for short words, where one letter
/// affects a larger share of the trigrams.
const LIKE: f64 = 0.3;
const LIKE_SHORT: f64 = 0.2;

fn like(word: &str) -> f64 {
    if word.chars().count() < 7 { LIKE_SHORT } else { LIKE }
}

/// Maximum number of names checked per word.
const MAX_NAMES_PER_WORD: u32 = 1_000;

/// Adds similar words from names to each query word that has no match, and returns the added words. One statement.
pub(super) async fn also_similar(
    scope: &Scope,
    searched: &[SearchedTable],
    query: &mut Query,
) -> Result<Vec<String>> {
    let engine = scope.store().engine();
    let mut binds: Vec<Bind> = Vec::new();
    let (mut parts, mut asked) = (Vec::new(), Vec::new());
    for (place, term) in query.terms.iter().enumerate() {
        let Some(word) = term.word().filter(|word| word.chars().count() >= MIN_WORD_LENGTH) else {
            continue;
        };
        let number = asked.len();
        asked.push(place);
        parts.push(match engine {
            Engine::Postgres => {
                let organization = scope.organization();
                let short = if like(word) < LIKE { "_short" } else { "" };
                // The common table expression is materialized because, for a single row, Postgres would scan the whole
                // table instead of using the index.
                let known = sign(&term.tsquery(Where::Anywhere));
                binds.extend([organization.into(), word.into()]);
                binds.extend([organization.into(), known.into()]);
                format!(
                    "SELECT {number}::bigint, w FROM search_similar{short}({{}}, {{}}) w WHERE NOT EXISTS \
                     (WITH \"known\" AS MATERIALIZED (SELECT 1 FROM \"search_documents\" \
                     WHERE \"organization_id\" = {{}} AND \"words\" @@ (SELECT search_query({{}}))) \
                     SELECT 1 FROM \"known\")"
                )
            }
            Engine::Sqlite => {
                let padded: Vec<char> = format!(" {word} ").chars().collect();
                let trigrams = padded
                    .windows(3)
                    .map(|three| format!("\"{}\"", three.iter().collect::<String>()));
                let trigrams = trigrams.collect::<Vec<_>>().join(" OR ");
                let known = format!(
                    "{{scope}} : ({}) AND {{title body}} : {}",
                    sql::everything(scope, searched),
                    term.fts5()
                );
                binds.extend([trigrams.into(), scope.organization().into(), known.into()]);
                // Ranked by the rarity of the common trigrams.
                format!(
                    "SELECT * FROM (SELECT {number}, \"name\" FROM \"search_names\" WHERE \"search_names\" \
                     MATCH {{}} AND \"organization_id\" = {{}} AND NOT EXISTS (SELECT 1 \
                     FROM \"search_documents\" WHERE \"search_documents\" MATCH {{}}) ORDER BY rank LIMIT {MAX_NAMES_PER_WORD})"
                )
            }
        });
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let statement = engine.statement(&parts.join(" UNION ALL "), binds);
    let rows = scope.store().read_shown(statement).await?;
    let mut near: Vec<BTreeSet<String>> = vec![BTreeSet::new(); asked.len()];
    for row in &rows {
        let (number, names): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let number = usize::try_from(number).unwrap_or_default();
        for token in words::tokens(&names) {
            near[number].insert(token.word);
        }
    }
    let mut found = Vec::new();
    for (number, words) in asked.into_iter().zip(near) {
        let term = &mut query.terms[number];
        let Some(word) = term.word().map(str::to_owned) else { continue };
        for similar in nearest(&word, words) {
            if term.also(&similar) {
                found.push(similar);
            }
        }
    }
    Ok(found)
}

/// The words nearest to `word`: at most one letter differs, is missing, is added or is transposed; two letters if
/// `word` has at least eight letters. If `word` has at least five letters, it is also compared with the beginning of
/// each candidate.
fn nearest(word: &str, words: BTreeSet<String>) -> Vec<String> {
    let letters = word.chars().count();
    let allowed = if letters < 8 { 1 } else { 2 };
    let mut near: Vec<(usize, f64, String)> = Vec::new();
    for candidate in words {
        let likeness = likeness(word, &candidate);
        if likeness < like(word) {
            continue;
        }
        let beginning =
            (letters..=letters + 1).filter(|_| letters > MIN_WORD_LENGTH).map(|length| {
                let beginning: String = candidate.chars().take(length).collect();
                strsim::osa_distance(word, &beginning)
            });
        let distance = beginning.chain([strsim::osa_distance(word, &candidate)]).min();
        if let Some(distance) = distance.filter(|distance| *distance <= allowed) {
            near.push((distance, likeness, candidate));
        }
    }
    near.sort_by(|one, other| {
        one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)).then_with(|| one.2.cmp(&other.2))
    });
    near.into_iter().take(MAX_ALTERNATIVES).map(|(_, _, word)| word).collect()
}

/// Share of common trigrams of two words, computed like `similarity` of `pg_trgm`: each word is padded with two spaces
/// before it and one space after it.
fn likeness(one: &str, other: &str) -> f64 {
    let trigrams = |word: &str| {
        let padded: Vec<char> = format!("  {word} ").chars().collect();
        padded.windows(3).map(<[char]>::to_vec).collect::<BTreeSet<_>>()
    };
    let (one, other) = (trigrams(one), trigrams(other));
    let both = one.intersection(&other).count();
    let all = one.len() + other.len() - both;
    #[expect(clippy::cast_precision_loss, reason = "word lengths are small")]
    let part = both as f64 / all as f64;
    part
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn near(word: &str, words: &[&str]) -> Vec<String> {
        nearest(word, words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn fuzzy_matches_tolerate_typos() {
        let words = ["schmidt", "schmitt", "schmied", "berlin", "logistics", "acme"];
        assert_eq!(near("shmidt", &words), ["schmidt"]);
        assert_eq!(near("schmid", &words), ["schmidt", "schmied", "schmitt"]);
        assert_eq!(near("behrlin", &words), ["berlin"]);
        assert_eq!(near("logistk", &words), ["logistics"]);
        assert!(near("bern", &words).is_empty());
        for typed in ["beriln", "belrin", "brelin", "ebrlin", "berlni"] {
            assert_eq!(near(typed, &words), ["berlin"], "{typed}");
        }
        assert_eq!(near("jena", &["jana", "jens"]), ["jens", "jana"]);
    }
}

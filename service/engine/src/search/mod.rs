//! Full-text search across entities, ordered by relevance.
//!
//! The database maintains the search index in the transaction of every write (`migration/src/search/mod.rs`). Results
//! have the same order on both engines, because the engines only report which rows match and at which relevance level.
//! Within a level, rows of different entities alternate, with the newest rows of each entity first.

mod highlight;
mod phone_term;
mod query;
mod similar;
mod sql;

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::{
    error::{Error, Result},
    read,
    scope::Scope,
    table::Table,
    value::{Kind as ColumnKind, Value},
};
pub use highlight::Part;
use query::{How, Query, Where};

/// Relevance levels, best first, with their scores.
const STEPS: [(Where, How, f64); 6] = [
    (Where::Title, How::Phrase, 1.0),
    (Where::Title, How::Whole, 0.9),
    (Where::Title, How::AsAsked, 0.8),
    (Where::Anywhere, How::Phrase, 0.5),
    (Where::Anywhere, How::Whole, 0.4),
    (Where::Anywhere, How::AsAsked, 0.3),
];

/// Score factor of fuzzy matches, relative to exact matches.
const FUZZY_SCORE_FACTOR: f64 = 0.5;

/// Maximum number of rows reachable by pagination.
pub const MAX_RESULTS: u32 = 500;

/// The declaration of a searchable table.
#[derive(Debug)]
pub struct Searched {
    /// The number of the entity in the search index, as in the migration that indexes the table; never reused.
    pub number: usize,
    /// What is searched, for the schema.
    pub about: &'static str,
    /// Columns that make up the title.
    pub called: &'static [&'static str],
    /// Searched columns, starting with the title columns.
    pub columns: &'static [&'static str],
}

/// A searchable table.
#[derive(Clone, Copy, Debug)]
pub struct SearchedTable {
    /// The table.
    pub table: &'static Table,
    /// Its declaration.
    pub declared: &'static Searched,
}

impl Table {
    /// Declares that the rows are searchable.
    #[must_use]
    pub fn searched(self, declared: &'static Searched) -> Self {
        self.extended(declared)
    }
}

/// The searchable tables among these, by number.
#[must_use]
pub fn searched_tables(tables: &[&'static Table]) -> Vec<SearchedTable> {
    let declared = tables.iter().flat_map(|table| {
        table.extensions::<Searched>().map(|declared| SearchedTable { table, declared })
    });
    let mut searched: Vec<SearchedTable> = declared.collect();
    searched.sort_unstable_by_key(|one| one.declared.number);
    searched
}

/// The searchable table with this number.
fn numbered(searched: &[SearchedTable], number: usize) -> Option<&SearchedTable> {
    searched.iter().find(|one| one.declared.number == number)
}

/// A matching row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The number of its entity.
    pub kind: usize,
    /// Primary key.
    pub id: i64,
    /// Relevance score, from 0 to 1.
    pub score: f64,
}

/// A page of search results.
#[derive(Clone, Debug)]
pub struct Found {
    /// The searchable entities.
    searched: &'static [SearchedTable],
    /// The query, including fuzzy alternatives.
    query: Query,
    /// Rows of this page, best first.
    pub hits: Vec<Hit>,
    /// Number of matching rows per entity, by number of the entity; entities without matches are omitted.
    pub counts: Vec<(usize, i64)>,
    /// Whether there are more rows after this page within the limit.
    pub more: bool,
    /// Similar words that replaced query words without a match.
    pub similar: Vec<String>,
    /// Number of rows before this page.
    skipped: u32,
    binding: u64,
}

/// How a matching row is displayed.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Title of the row.
    pub title: Option<String>,
    /// Columns with a match, and an excerpt of each.
    pub excerpts: Vec<(&'static str, Vec<Part>)>,
}

/// Searches for `text` in the entities with the numbers `kinds`, and returns at most `first` rows after the
/// cursor `after`. Executes one statement; if nothing matches, a second statement finds similar words, and a third
/// statement searches for them.
///
/// # Errors
/// [`Error::Invalid`] if the query is empty or too long; [`Error::BadCursor`]; [`Error::Unavailable`] if the database
/// doesn't respond.
pub async fn search(
    scope: &Scope,
    searched: &'static [SearchedTable],
    text: &str,
    kinds: &[usize],
    first: u32,
    after: Option<&str>,
) -> Result<Found> {
    let mut query = Query::read(text)?;
    let binding = xxhash_rust::xxh3::xxh3_64(format!("search\0{text}\0{kinds:?}").as_bytes());
    let skipped = after.map_or(Ok(0), |after| place(after, binding))?;
    // One extra row shows whether there is a next page.
    let wanted = (skipped + first + 1).min(MAX_RESULTS);
    let (mut hits, mut counts) = ranked(scope, searched, &query, kinds, wanted).await?;
    let mut similar = Vec::new();
    // The names that are compared include those of hidden rows.
    if counts.is_empty() && !scope.is_restricted() {
        similar = similar::also_similar(scope, searched, &mut query).await?;
        if !similar.is_empty() {
            (hits, counts) = ranked(scope, searched, &query, kinds, wanted).await?;
            for hit in &mut hits {
                hit.score *= FUZZY_SCORE_FACTOR;
            }
            if hits.is_empty() {
                similar.clear();
            }
        }
    }
    let mut hits: Vec<Hit> = hits.into_iter().skip(skipped as usize).collect();
    let more = hits.len() > first as usize;
    hits.truncate(first as usize);
    Ok(Found { searched, query, hits, counts, more, similar, skipped, binding })
}

/// The best rows, up to a limit, and the number of matches per entity.
async fn ranked(
    scope: &Scope,
    searched: &[SearchedTable],
    query: &Query,
    kinds: &[usize],
    wanted: u32,
) -> Result<(Vec<Hit>, Vec<(usize, i64)>)> {
    let statement = sql::statement(scope, searched, query, kinds, wanted);
    let rows = scope.store().read_shown(statement).await?;
    let mut counts = Vec::new();
    let mut steps: Vec<(usize, usize, i64)> = Vec::new();
    for row in &rows {
        let number = |place: usize| row.try_get_by_index::<i64>(place);
        let kind = usize::try_from(number(0)?).unwrap_or_default();
        match usize::try_from(number(1)?) {
            Ok(step) => steps.push((step, kind, number(2)?)),
            Err(_) => match number(2)? {
                0 => {}
                count => counts.push((kind, count)),
            },
        }
    }
    counts.sort_unstable();
    // The best level of each row; within a level and entity, newest first.
    steps.sort_unstable_by(|one, other| (one.0, one.1, other.2).cmp(&(other.0, other.1, one.2)));
    let mut seen = HashSet::new();
    let mut turns: HashMap<(usize, usize), usize> = HashMap::new();
    let mut hits: Vec<(usize, usize, usize, i64)> = Vec::new();
    for (step, kind, id) in steps {
        if seen.insert((kind, id)) {
            let turn = turns.entry((step, kind)).or_default();
            hits.push((step, *turn, kind, id));
            *turn += 1;
        }
    }
    hits.sort_unstable_by_key(|(step, turn, kind, _)| (*step, *turn, *kind));
    let hits = hits.into_iter().take(wanted as usize);
    let hits = hits.map(|(step, _, kind, id)| Hit { kind, id, score: STEPS[step].2 });
    Ok((hits.collect(), counts))
}

impl Found {
    /// Total number of matching rows.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.counts.iter().map(|(_, rows)| rows).sum()
    }

    /// Cursor of the row at index `place` of this page.
    #[must_use]
    pub fn cursor(&self, place: usize) -> String {
        let place = i64::from(self.skipped) + i64::try_from(place).unwrap_or_default() + 1;
        read::encode_cursor(self.binding, [Value::Int(place)].iter())
    }

    /// Whether there are rows before this page.
    #[must_use]
    pub fn has_previous(&self) -> bool {
        self.skipped > 0
    }

    /// Titles and excerpts of the rows of this page, in order. One statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn titles_and_excerpts(&self, scope: &Scope) -> Result<Vec<Shown>> {
        if self.hits.is_empty() {
            return Ok(Vec::new());
        }
        let statement = sql::texts(scope, self.searched, &self.hits);
        let mut shown: HashMap<(usize, i64), Shown> = HashMap::new();
        for row in &scope.store().read_shown(statement).await? {
            let (kind, id): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let kind = usize::try_from(kind).unwrap_or_default();
            let Some(SearchedTable { table, declared }) = numbered(self.searched, kind) else {
                continue;
            };
            let mut one = Shown::default();
            let mut called = Vec::new();
            for (place, column) in declared.columns.iter().enumerate() {
                let Some(text) = row.try_get_by_index::<Option<String>>(place + 2)? else {
                    continue;
                };
                let text = match table.columns[table.column_named(column)].kind {
                    ColumnKind::Json => plain(&text),
                    _ => text,
                };
                if let Some(parts) = highlight::excerpt(&text, &self.query) {
                    one.excerpts.push((column, parts));
                }
                // Texts may be long, so this loop yields to other tasks.
                tokio::task::yield_now().await;
                if declared.called.contains(column) {
                    called.push(text);
                }
            }
            one.title = (!called.is_empty()).then(|| called.join(", "));
            shown.insert((kind, id), one);
        }
        let rows = self.hits.iter().map(|hit| shown.remove(&(hit.kind, hit.id)));
        Ok(rows.map(Option::unwrap_or_default).collect())
    }
}

/// The concatenated texts of a JSON document.
fn plain(document: &str) -> String {
    fn collect(json: &Json, texts: &mut Vec<String>) {
        match json {
            Json::String(text) => texts.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Json::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
            Json::Number(number) => texts.push(number.to_string()),
            Json::Null | Json::Bool(_) => {}
        }
    }
    let mut texts = Vec::new();
    // A truncated document is shown as is.
    match serde_json::from_str(document) {
        Ok(json) => collect(&json, &mut texts),
        Err(_) => texts.push(document.to_owned()),
    }
    texts.join(", ")
}

/// Number of rows up to and including the cursor.
fn place(cursor: &str, binding: u64) -> Result<u32> {
    match read::decode_values(cursor, "after", binding, &[ColumnKind::BigInt])?.as_slice() {
        [Value::Int(place)] if (0..=i64::from(MAX_RESULTS)).contains(place) => {
            Ok(u32::try_from(*place).unwrap_or_default())
        }
        _ => Err(Error::BadCursor { field: "after", message: "unknown cursor format" }),
    }
}

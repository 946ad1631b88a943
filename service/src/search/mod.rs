//! Search: rows by the words that stand in them, the best first.
//!
//! What can be found is kept by the database itself, in the transaction of every write (`migration/src/search/mod.rs`).
//! The order is the same on both engines because it does not come from them: they say which rows have the words, and
//! how closely, in steps; of one step, kinds take turns, each with its newest rows first.

mod highlight;
mod query;
mod similar;
mod sql;
mod words;

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

pub use highlight::Part;
pub(crate) use words::contracted;

use crate::{
    crm::{company, prospect, prospect_research},
    error::{Error, Result},
    offer::{event, industry, solution},
    outreach::{interaction, outreach_draft},
    read,
    scope::Scope,
    table::{Kind as ColumnKind, Table},
    value::Value,
    vocabulary::{Word, word},
};
use query::{How, Query, Where};

/// What can be found, each by its number in the database.
pub const KINDS: &[Word] = &[
    word("company", "Companies: by name and domain; then by website."),
    word(
        "prospect",
        "Prospects: by name and e-mail address; then by location and LinkedIn profile.",
    ),
    word("industry", "Industries: by name."),
    word(
        "solution",
        "Solutions: by name and category; then by description, keywords and use cases.",
    ),
    word("event", "Events: by type and location; then by description."),
    word("interaction", "Interactions: by subject; then by content and outcome."),
    word("outreach_draft", "Outreach drafts: by subject; then by content and review notes."),
    word("prospect_research", "Research: by summary and insights."),
];

/// How closely a row has what was looked for, from the best on, and what that counts.
const STEPS: [(Where, How, f64); 6] = [
    (Where::Title, How::Phrase, 1.0),
    (Where::Title, How::Whole, 0.9),
    (Where::Title, How::AsAsked, 0.8),
    (Where::Anywhere, How::Phrase, 0.5),
    (Where::Anywhere, How::Whole, 0.4),
    (Where::Anywhere, How::AsAsked, 0.3),
];

/// What a hit of words that are only written nearly so counts, beside one of the words themselves.
const SIMILAR: f64 = 0.5;

/// The most rows that can be reached page by page.
pub const MOST: u32 = 500;

/// Columns of what can be found.
struct Searched {
    table: fn() -> &'static Table,
    /// What a row is called.
    called: &'static [&'static str],
    /// What it can be found by, the title first.
    columns: &'static [&'static str],
}

/// By the numbers of [`KINDS`].
const SEARCHED: [Searched; 8] = [
    Searched { table: company::table, called: &["name"], columns: &["name", "domain", "website"] },
    Searched {
        table: prospect::table,
        called: &["full_name"],
        columns: &["full_name", "email", "location", "linkedin_url"],
    },
    Searched { table: industry::table, called: &["name"], columns: &["name"] },
    Searched {
        table: solution::table,
        called: &["name"],
        columns: &["name", "category", "description", "keywords", "use_cases"],
    },
    Searched {
        table: event::table,
        called: &["event_type", "location"],
        columns: &["event_type", "location", "description"],
    },
    Searched {
        table: interaction::table,
        called: &["subject"],
        columns: &["subject", "content", "outcome"],
    },
    Searched {
        table: outreach_draft::table,
        called: &["subject"],
        columns: &["subject", "content", "review_note"],
    },
    Searched {
        table: prospect_research::table,
        called: &[],
        columns: &["research_summary", "key_insights"],
    },
];

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its place in [`KINDS`].
    pub kind: usize,
    /// Its key.
    pub id: i64,
    /// How closely it has what was looked for, from 0 to 1.
    pub score: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was looked for, with the words that count as much.
    query: Query,
    /// The rows of this page, the best first.
    pub hits: Vec<Hit>,
    /// How many rows of each kind there are, by its place in [`KINDS`]; kinds without any are left out.
    pub counts: Vec<(usize, i64)>,
    /// Whether there are rows after this page that can be reached.
    pub more: bool,
    /// The words that were taken because nothing has the words themselves.
    pub similar: Vec<String>,
    /// How many rows come before this page.
    skipped: u32,
    binding: u64,
}

/// What a row that was found looks like.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What it is called.
    pub title: Option<String>,
    /// Columns in which something of what was looked for stands, and an excerpt of each.
    pub excerpts: Vec<(&'static str, Vec<Part>)>,
}

/// The words of a text as search compares them: without case and accents.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    words::tokens(text).into_iter().map(|token| token.word).collect()
}

/// The kind with this number: its table.
#[must_use]
pub fn table_of(kind: usize) -> &'static Table {
    (SEARCHED[kind].table)()
}

/// Looks for `text` among these `kinds`, places in [`KINDS`]: at most `first` rows after the cursor `after`. One
/// statement; when nothing is found, one that looks for words which are written nearly so, and one with them.
///
/// # Errors
/// [`Error::Invalid`] when nothing is looked for, or too much; [`Error::BadCursor`];
/// [`Error::Unavailable`] when the database does not answer.
pub async fn search(
    scope: &Scope,
    text: &str,
    kinds: &[usize],
    first: u32,
    after: Option<&str>,
) -> Result<Found> {
    let mut query = Query::read(text)?;
    let binding = xxhash_rust::xxh3::xxh3_64(format!("search\0{text}\0{kinds:?}").as_bytes());
    let skipped = after.map_or(Ok(0), |after| place(after, binding))?;
    // One more tells whether there are more.
    let wanted = (skipped + first + 1).min(MOST);
    let (mut hits, mut counts) = ranked(scope, &query, kinds, wanted).await?;
    let mut similar = Vec::new();
    if counts.is_empty() {
        similar = similar::also_similar(scope, &mut query).await?;
        if !similar.is_empty() {
            (hits, counts) = ranked(scope, &query, kinds, wanted).await?;
            for hit in &mut hits {
                hit.score *= SIMILAR;
            }
            if hits.is_empty() {
                similar.clear();
            }
        }
    }
    let mut hits: Vec<Hit> = hits.into_iter().skip(skipped as usize).collect();
    let more = hits.len() > first as usize;
    hits.truncate(first as usize);
    Ok(Found { query, hits, counts, more, similar, skipped, binding })
}

/// The best rows, at most so many, and how many there are of each kind.
async fn ranked(
    scope: &Scope,
    query: &Query,
    kinds: &[usize],
    wanted: u32,
) -> Result<(Vec<Hit>, Vec<(usize, i64)>)> {
    let statement = sql::statement(scope, query, kinds, wanted);
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
    // The best step of each row; of one step and kind, the newest first.
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
    /// How many rows there are.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.counts.iter().map(|(_, rows)| rows).sum()
    }

    /// The cursor of the row at `place` of this page.
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

    /// What the rows of this page look like, in their order. One statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn shown(&self, scope: &Scope) -> Result<Vec<Shown>> {
        if self.hits.is_empty() {
            return Ok(Vec::new());
        }
        let statement = sql::texts(scope, &self.hits);
        let mut shown: HashMap<(usize, i64), Shown> = HashMap::new();
        for row in &scope.store().read_shown(statement).await? {
            let (kind, id): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let kind = usize::try_from(kind).unwrap_or_default();
            let searched = &SEARCHED[kind];
            let mut one = Shown::default();
            let mut called = Vec::new();
            for (place, column) in searched.columns.iter().enumerate() {
                let Some(text) = row.try_get_by_index::<Option<String>>(place + 2)? else {
                    continue;
                };
                let table = table_of(kind);
                let text = match table.columns[table.column(column)].kind {
                    ColumnKind::Json => plain(&text),
                    _ => text,
                };
                if let Some(parts) = highlight::excerpt(&text, &self.query) {
                    one.excerpts.push((column, parts));
                }
                // Texts may be long, and others want to be answered too.
                tokio::task::yield_now().await;
                if searched.called.contains(column) {
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

/// The texts in a JSON document, one after the other.
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
    // One that was cut off is shown as it is written.
    match serde_json::from_str(document) {
        Ok(json) => collect(&json, &mut texts),
        Err(_) => texts.push(document.to_owned()),
    }
    texts.join(", ")
}

/// How many rows a cursor stands behind.
fn place(cursor: &str, binding: u64) -> Result<u32> {
    match read::decode_values(cursor, "after", binding, &[ColumnKind::BigInt])?.as_slice() {
        [Value::Int(place)] if (0..=i64::from(MOST)).contains(place) => {
            Ok(u32::try_from(*place).unwrap_or_default())
        }
        _ => Err(Error::BadCursor { field: "after", message: "it is not one of ours" }),
    }
}

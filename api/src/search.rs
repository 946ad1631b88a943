//! Search in GraphQL.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, Object, OutputType, Pos, Positioned, Result, ServerResult,
    SimpleObject, Value, parser::types::Field,
};
use service::{
    Scope,
    read::Page,
    search::{self, Found, KINDS, Part, Shown},
};

use crate::{
    catalog,
    error::Error,
    graph::{
        EnumType, Vocabulary, asked, declaration::camel, paging::Paging, registry::Registry, row,
        scalar::WordOf,
    },
    outreach::timeline::PageInfo,
    usage::report::count,
};

/// Fields of the query root that search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Searches;

#[Object]
impl Searches {
    /// Looks for words in all that is known: names, e-mail addresses, subjects, what was said and written, research,
    /// solutions. The best first: what has the words in its title comes before what has them elsewhere, whole words
    /// before beginnings, words next to each other before scattered ones; of the same, kinds take turns, each with its
    /// newest rows first.
    ///
    /// All words are to be there. From three letters on a word is found by its beginning (`logist` finds
    /// `Logistics`), the last of several and one with a star (`ag*`) from two. `"budget round"` are words next to each
    /// other in one field, as they are written; `-berlin` leaves out what has the word. There is no OR, and there are no
    /// names of fields. Case and accents don't matter, and `Müller` and `Mueller` find each other. When nothing is found,
    /// each word that stands nowhere is taken for those that stand in a name and are written nearly so (`similar`).
    ///
    /// Deleted companies and prospects are not found. Texts are searched up to their first 100,000 characters. 500
    /// rows can be reached, page by page; a page is of the moment at which it is asked for, so rows that come or go
    /// meanwhile move the others. A search costs 5,000 besides its rows.
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for: at most 300 characters and 16 words.")] query: String,
        #[graphql(desc = "Only these kinds; all when nothing is said.")] types: Option<
            Vec<WordOf<SearchType>>,
        >,
        #[graphql(desc = "At most so many rows, up to 100; 25 when nothing is said.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after the one with this cursor, of the same search.")]
        after: Option<String>,
    ) -> Result<SearchConnection> {
        let scope = ctx.data_unchecked::<Scope>();
        let page = Page::new(first.map(i64::from), after, None, None).map_err(Error::from)?;
        let kinds: Vec<usize> = (0..KINDS.len())
            .filter(|kind| {
                let is_it = |one: &WordOf<SearchType>| one.name() == KINDS[*kind].name;
                types.as_ref().is_none_or(|types| types.iter().any(is_it))
            })
            .collect();
        if kinds.is_empty() {
            return Err(Error::invalid(
                service::Reason::ValueRequired,
                "types",
                "`types` takes at least one type",
            )
            .into());
        }
        // A table of a search that says of no page: all that can be reached.
        let whole = ctx.data_opt::<Arc<Paging>>().is_some();
        let size = if whole { search::MOST } else { page.size };
        let found = search::search(scope, &query, &kinds, size, page.after.as_deref());
        let found = found.await.map_err(Error::from)?;
        if whole && found.total() > i64::from(search::MOST) {
            let (all, most) = (found.total(), search::MOST);
            let text = format!(
                "{all} rows were found, and a table has {most}: narrow the search, or say `first` (up to 100)"
            );
            return Err(Error::too_complex(text).into());
        }
        let asked = asked::of_connection(ctx, "Search")?;
        let shown = if asked.edge_fields.iter().any(|name| matches!(*name, "title" | "highlights"))
        {
            found.shown(scope).await.map_err(Error::from)?
        } else {
            Vec::new()
        };
        let nodes = Arc::new(Nodes::read(ctx, &asked.nodes, &found).await?);
        Ok(SearchConnection::of(found, shown, &nodes))
    }
}

/// A page of what was found, the best first.
#[derive(SimpleObject)]
pub struct SearchConnection {
    /// The rows of this page.
    nodes: Vec<Node>,
    /// The rows of this page, each with its cursor and where the words stand.
    edges: Vec<SearchEdge>,
    /// What stands around this page.
    page_info: PageInfo,
    /// How many rows there are.
    total_count: i32,
    /// How many rows there are of each kind that is looked for; kinds without any are left out.
    counts: Vec<SearchCount>,
    /// The words that were taken for those that stand nowhere, without case and accents; empty when something has the
    /// words as they are typed.
    similar: Vec<String>,
}

/// A row that was found.
#[derive(SimpleObject)]
pub struct SearchEdge {
    /// Marks the place of this row in this search.
    cursor: String,
    /// The row.
    node: Node,
    /// What kind of row it is.
    #[graphql(name = "type")]
    kind: WordOf<SearchType>,
    /// How closely it has what was looked for, from 0 to 1: in its title (what stands first at its `SearchType`) the words next to each other 1, whole words
    /// 0.9, beginnings 0.8; elsewhere 0.5, 0.4 and 0.3; half of that for words that are only written nearly so.
    score: f64,
    /// What it is called: a name, a subject; null for research, and for drafts without a subject.
    title: Option<String>,
    /// Where the words stand, field by field.
    highlights: Vec<SearchHighlight>,
}

/// An excerpt of a field.
pub struct SearchHighlight {
    field: String,
    parts: Vec<Part>,
}

/// An excerpt of a field in which something of what was looked for stands.
#[Object]
impl SearchHighlight {
    /// The field of the row.
    async fn field(&self) -> &str {
        &self.field
    }

    /// The excerpt as it is written, in one piece; what was found is marked. It is text, not HTML: pages that show it
    /// take `parts`.
    async fn text(
        &self,
        #[graphql(desc = "What stands before what was found.", default = "«")] before: String,
        #[graphql(desc = "What stands behind it.", default = "»")] after: String,
    ) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let (before, after) =
                if part.found { (before.as_str(), after.as_str()) } else { ("", "") };
            text.extend([before, &part.text, after]);
        }
        text
    }

    /// The excerpt, piece by piece.
    async fn parts(&self) -> Vec<SearchPart> {
        let parts = self.parts.iter();
        parts.map(|part| SearchPart { text: part.text.clone(), found: part.found }).collect()
    }
}

/// A piece of an excerpt.
#[derive(SimpleObject)]
pub struct SearchPart {
    /// What stands there.
    text: String,
    /// Whether it is what was looked for.
    found: bool,
}

/// How many rows of a kind were found.
#[derive(SimpleObject)]
pub struct SearchCount {
    /// The kind.
    #[graphql(name = "type")]
    kind: WordOf<SearchType>,
    /// How many.
    count: i32,
}

/// What can be found.
pub enum SearchType {}

impl Vocabulary for SearchType {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "SearchType", about: "What can be found.", words: KINDS }
    }
}

impl SearchConnection {
    fn of(found: Found, shown: Vec<Shown>, nodes: &Arc<Nodes>) -> Self {
        let mut shown = shown.into_iter();
        let mut edges = Vec::new();
        for (place, hit) in found.hits.iter().enumerate() {
            let shown = shown.next().unwrap_or_default();
            // One that has gone since is left out.
            let Some(kind) = WordOf::stored(KINDS[hit.kind].name).filter(|_| nodes.has(place))
            else {
                continue;
            };
            let highlights = shown
                .excerpts
                .into_iter()
                .map(|(column, parts)| SearchHighlight { field: camel(column), parts });
            edges.push(SearchEdge {
                cursor: found.cursor(place),
                node: Node { place, nodes: Arc::clone(nodes) },
                kind,
                score: hit.score,
                title: shown.title,
                highlights: highlights.collect(),
            });
        }
        let at = |edge: Option<&SearchEdge>| edge.map(|edge| edge.cursor.clone());
        let counts = found.counts.iter().filter_map(|(kind, rows)| {
            Some(SearchCount { kind: WordOf::stored(KINDS[*kind].name)?, count: count(*rows) })
        });
        Self {
            page_info: PageInfo {
                has_previous_page: found.has_previous(),
                has_next_page: found.more,
                start_cursor: at(edges.first()),
                end_cursor: at(edges.last()),
            },
            nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
            total_count: count(found.total()),
            counts: counts.collect(),
            similar: found.similar,
            edges,
        }
    }
}

/// The rows that were found, as each of the fields asks for them that give rows: by where the field stands in the
/// document.
#[derive(Debug, Default)]
struct Nodes(Vec<(Pos, Vec<Value>)>);

impl Nodes {
    /// Reads the rows for each of `fields`: one statement for each kind of them.
    async fn read(
        ctx: &Context<'_>,
        fields: &[&Positioned<Field>],
        found: &Found,
    ) -> ServerResult<Self> {
        let mut read = Vec::new();
        for field in fields {
            let mut values = vec![Value::Null; found.hits.len()];
            for kind in 0..KINDS.len() {
                let key = |hit: &search::Hit| (hit.kind == kind).then_some(hit.id);
                let keys: Vec<Option<i64>> = found.hits.iter().map(key).collect();
                if keys.iter().all(Option::is_none) {
                    continue;
                }
                let entity = catalog::of_table(search::table_of(kind).name);
                let path = asked::path(ctx.item, field);
                let rows = row::by_keys(ctx, entity, &[*field], &keys, path, true).await?;
                for (value, row) in values.iter_mut().zip(rows) {
                    if row != Value::Null {
                        *value = row;
                    }
                }
            }
            read.push((field.pos, values));
        }
        Ok(Self(read))
    }

    /// Whether the row at `place` is there, as far as anything is asked of it.
    fn has(&self, place: usize) -> bool {
        self.0.iter().all(|(_, values)| values[place] != Value::Null)
    }
}

/// A row that was found: anything with a global id.
#[derive(Clone, Debug)]
pub struct Node {
    place: usize,
    nodes: Arc<Nodes>,
}

impl OutputType for Node {
    fn type_name() -> Cow<'static, str> {
        "Node".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let read = self.nodes.0.iter().find(|(place, _)| *place == field.pos);
        Ok(read.map(|(_, values)| values[self.place].clone()).unwrap_or_default())
    }
}

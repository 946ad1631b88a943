//! Full-text search in GraphQL.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use async_graphql::{
    Context, ContextSelectionSet, Object, OutputType, Pos, Positioned, ServerResult, SimpleObject,
    Value, parser::types::Field,
};
use engine::{
    Scope,
    read::Page,
    search::{self, Found, Part, Shown},
};
use salesgraph_macros::permissions;
use service::search::{searched, types};

use crate::{catalog, outreach::timeline::PageInfo, usage::report::count};
use graph::{
    EnumType, Vocabulary, connection_selection,
    declaration::camel,
    error::{Error, of_nested_rows},
    paging::Paging,
    registration::Registry,
    row,
    scalar::EnumValueOf,
};

/// Query fields for search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Searches;

#[permissions]
#[Object]
impl Searches {
    /// Full-text search of names, e-mail addresses, subjects, contents, research and solutions. The best match is first:
    /// matches in titles before others, whole words before prefixes, adjacent words before scattered ones. Among equal
    /// matches, types alternate and the newest rows are first.
    ///
    /// All words must match. Words of three or more letters also match as prefixes (`logist` matches `Logistics`); for
    /// the last of several words and for words with a star (`ag*`), two letters suffice. `"budget round"` matches
    /// adjacent words in one field; `-berlin` excludes rows with the word. There is no OR and no search by field. Case
    /// and accents are ignored, and `Müller` and `Mueller` match each other.
    /// If nothing matches, each unknown word is replaced by similar words of names
    /// (`similar`).
    ///
    /// Deleted companies and prospects are not found. Only the first 100,000 characters of a text are searched, and only
    /// the best 500 rows are available. Pages are not a snapshot: rows added or removed between two requests shift the
    /// others. The query cost of a search is 5,000, plus the cost of the rows.
    #[permission(Read)]
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Search query. Maximum: 300 characters and 16 words.")] query: String,
        #[graphql(desc = "Only these types. Default: all.")] types: Option<
            Vec<EnumValueOf<SearchType>>,
        >,
        #[graphql(desc = "Page size, from 0 to 100. Default: 25.")] first: Option<i32>,
        #[graphql(
            desc = "Only rows after the row with this cursor, which must be from the same search."
        )]
        after: Option<String>,
    ) -> async_graphql::Result<SearchConnection> {
        let scope = ctx.data_unchecked::<Scope>();
        let page = Page::new(first.map(i64::from), after, None, None).map_err(Error::from)?;
        let is_wanted = |called: &str| {
            let is_it = |one: &EnumValueOf<SearchType>| one.name() == called;
            types.as_ref().is_none_or(|types| types.iter().any(is_it))
        };
        let wanted = searched().iter().filter(|one| is_wanted(one.table.called));
        let kinds: Vec<usize> = wanted.map(|one| one.declared.number).collect();
        if kinds.is_empty() {
            return Err(Error::invalid(
                engine::Reason::ValueRequired,
                "types",
                "`types` must contain at least one type",
            )
            .into());
        }
        // An export of a search without a page argument returns all available rows.
        let whole = ctx.data_opt::<Arc<Paging>>().is_some();
        let size = if whole { search::MAX_RESULTS } else { page.size };
        let found = search::search(scope, searched(), &query, &kinds, size, page.after.as_deref());
        let found = found.await.map_err(Error::from)?;
        if whole && found.total() > i64::from(search::MAX_RESULTS) {
            let (all, most) = (found.total(), search::MAX_RESULTS);
            let text = format!(
                "the search matches {all} rows, which exceeds the export limit of {most}; narrow it or set `first` (maximum 100)"
            );
            return Err(Error::too_complex(text).into());
        }
        let asked = connection_selection::of_connection(ctx, "Search")?;
        let shown = if asked.edge_fields.iter().any(|name| matches!(*name, "title" | "highlights"))
        {
            found.titles_and_excerpts(scope).await.map_err(Error::from)?
        } else {
            Vec::new()
        };
        let nodes = Arc::new(Nodes::read(ctx, &asked.nodes, &found).await.map_err(of_nested_rows)?);
        Ok(SearchConnection::of(found, shown, &nodes))
    }
}

/// A page of search results, best first.
#[derive(SimpleObject)]
pub struct SearchConnection {
    /// The rows of this page.
    nodes: Vec<Node>,
    /// The rows of this page, with cursors and highlights.
    edges: Vec<SearchEdge>,
    /// Information about the page.
    page_info: PageInfo,
    /// Number of matches.
    total_count: i32,
    /// Number of matches by type; types without matches are omitted.
    counts: Vec<SearchCount>,
    /// Similar words that replaced unknown ones, in lower case without accents; empty if the query matched as typed.
    similar: Vec<String>,
}

/// A search result.
#[derive(SimpleObject)]
pub struct SearchEdge {
    /// Opaque position of the row, for `after`.
    cursor: String,
    /// The row.
    node: Node,
    /// Type of the row.
    #[graphql(name = "type")]
    kind: EnumValueOf<SearchType>,
    /// Score, from 0 to 1. In the title (the first field of its `SearchType`): adjacent words 1, whole words 0.9, prefixes
    /// 0.8; in other fields 0.5, 0.4 and 0.3; half of that for similar words.
    score: f64,
    /// Title: a name or a subject; null for research, and for drafts without a subject.
    title: Option<String>,
    /// Highlights, by field.
    highlights: Vec<SearchHighlight>,
}

/// An excerpt of a field.
pub struct SearchHighlight {
    field: String,
    parts: Vec<Part>,
}

/// A highlighted excerpt of a matching field.
#[Object]
impl SearchHighlight {
    /// The field of the row.
    async fn field(&self) -> &str {
        &self.field
    }

    /// The excerpt as plain text with marked matches. It is not HTML: web pages should use `parts`.
    async fn text(
        &self,
        #[graphql(desc = "Mark before a match.", default = "«")] before: String,
        #[graphql(desc = "Mark after a match.", default = "»")] after: String,
    ) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let (before, after) =
                if part.found { (before.as_str(), after.as_str()) } else { ("", "") };
            text.extend([before, &part.text, after]);
        }
        text
    }

    /// The excerpt in parts.
    async fn parts(&self) -> Vec<SearchPart> {
        let parts = self.parts.iter();
        parts.map(|part| SearchPart { text: part.text.clone(), found: part.found }).collect()
    }
}

/// A part of an excerpt.
#[derive(SimpleObject)]
pub struct SearchPart {
    /// Text.
    text: String,
    /// Whether the part is a match.
    found: bool,
}

/// Number of matches of a type.
#[derive(SimpleObject)]
pub struct SearchCount {
    /// Type.
    #[graphql(name = "type")]
    kind: EnumValueOf<SearchType>,
    /// Number of matches.
    count: i32,
}

/// `SearchType`.
pub enum SearchType {}

impl Vocabulary for SearchType {
    fn enum_type() -> &'static EnumType {
        static TYPE: LazyLock<EnumType> = LazyLock::new(|| EnumType {
            name: "SearchType",
            about: "Type of a search result: the entity.",
            words: types(),
        });
        &TYPE
    }
}

/// The type with this number.
fn type_of(number: usize) -> Option<EnumValueOf<SearchType>> {
    let searched = searched().iter().find(|one| one.declared.number == number)?;
    EnumValueOf::stored(searched.table.called)
}

impl SearchConnection {
    fn of(found: Found, shown: Vec<Shown>, nodes: &Arc<Nodes>) -> Self {
        let mut shown = shown.into_iter();
        let mut edges = Vec::new();
        for (place, hit) in found.hits.iter().enumerate() {
            let shown = shown.next().unwrap_or_default();
            // A row that was deleted meanwhile is omitted.
            let Some(kind) = type_of(hit.kind).filter(|_| nodes.has(place)) else {
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
            Some(SearchCount { kind: type_of(*kind)?, count: count(*rows) })
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

/// The rows of the hits for each field that returns rows. The key is the position of the field in the document.
#[derive(Debug, Default)]
struct Nodes(Vec<(Pos, Vec<Value>)>);

impl Nodes {
    /// Reads the rows for each of `fields`: one statement per entity.
    async fn read(
        ctx: &Context<'_>,
        fields: &[&Positioned<Field>],
        found: &Found,
    ) -> ServerResult<Self> {
        let mut read = Vec::new();
        for field in fields {
            let mut values = vec![Value::Null; found.hits.len()];
            for searched in searched() {
                let kind = searched.declared.number;
                let key = |hit: &search::Hit| (hit.kind == kind).then_some(hit.id);
                let keys: Vec<Option<i64>> = found.hits.iter().map(key).collect();
                if keys.iter().all(Option::is_none) {
                    continue;
                }
                let entity = catalog::of_table(searched.table.name);
                let path = connection_selection::path(ctx.item, field);
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

    /// Whether the row at `place` was found, or was not selected.
    fn has(&self, place: usize) -> bool {
        self.0.iter().all(|(_, values)| values[place] != Value::Null)
    }
}

/// A search hit: any entity with a global ID.
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

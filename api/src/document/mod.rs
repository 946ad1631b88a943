//! What is checked of a request before the library sees it, in this order: tokens and brackets, the
//! parse, variables, the size with fragments opened and the cost, the root fields. The figures are in
//! [`Limits`]. A document that has been allowed before is [`Known`]: only its variables and what it costs with
//! them are looked at again.

mod known;
mod limits;
mod scan;
mod shape;
mod table;
mod variables;
mod weigh;

use std::{collections::HashSet, sync::Arc};

use async_graphql::{
    ErrorExtensionValues, Pos, Request, ServerError, Variables,
    parser::{
        self,
        types::{
            ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
        },
    },
};

use indexmap::IndexMap;

use crate::text;

pub use known::{Known, Read};
pub use limits::{LARGEST_BATCH, Limits, MOST_ERRORS};
pub use table::{Rows, Table, table};

/// A request that may be run.
pub struct Prepared {
    /// The request, parsed.
    pub request: Request,
    /// Its document.
    pub read: Arc<Read>,
    /// What it may cost.
    pub cost: u64,
    /// Whether the schema has allowed the document before, with variables like these.
    pub is_allowed: bool,
    /// Which of the variables are there, for the next time.
    pub ways: Option<u64>,
}

/// A root field as the answer names it, with the fields below it, in the order in which they are asked for.
#[derive(Debug)]
pub struct Asked {
    /// Its name in the schema.
    pub field: String,
    /// Its name in the answer.
    pub name: String,
    /// The names in the answer of the fields below it.
    pub below: Vec<String>,
}

/// Why a request is not run.
#[derive(Debug)]
pub struct Refusal {
    /// The code of the first error.
    pub code: &'static str,
    /// What is wrong, in words for the client.
    pub errors: Vec<ServerError>,
}

impl Refusal {
    /// A refusal for one reason.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>, position: Option<Pos>) -> Self {
        let mut error = ServerError::new(message, position);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        error.extensions = Some(extensions);
        Self { code, errors: vec![error] }
    }

    fn too_complex(message: impl Into<String>) -> Self {
        Self::new("TOO_COMPLEX", message, None)
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID, message, None)
    }

    fn invalid_at(message: impl Into<String>, position: Pos) -> Self {
        Self::new(INVALID, message, Some(position))
    }
}

/// The code of a document, or of variables, that the schema doesn't allow.
pub const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// Reads what has to be read once, so that no request waits for it.
pub fn warm_up() {
    shape::Shape::of_schema();
}

/// Checks a request, and puts the defaults of absent variables in. A document that is `known` is not read
/// again.
///
/// # Errors
/// What is wrong, before anything has run.
pub fn prepare(mut request: Request, limits: &Limits, known: &Known) -> Result<Prepared, Refusal> {
    let text = std::mem::take(&mut request.query);
    let chosen = request.operation_name.clone();
    let (read, cost) = if let Some(read) = known.find(&text, chosen.as_deref()) {
        variables::check(read.operation()?, &mut request.variables)?;
        let cost = weigh::weigh(read.document(), &request.variables, chosen.as_deref(), limits)?;
        (read, cost)
    } else {
        let (read, cost) = read(text, chosen, &mut request.variables, limits)?;
        (Arc::new(read), cost)
    };
    let ways = read.ways(&request.variables);
    let is_allowed = read.is_allowed(ways);
    request.set_parsed_query(read.document().clone());
    if read.merges {
        request = request.data(text::Merged);
    }
    Ok(Prepared { request, read, cost, is_allowed, ways })
}

/// Reads a document, and checks its variables; gives what it costs.
fn read(
    text: String,
    chosen: Option<String>,
    variables: &mut Variables,
    limits: &Limits,
) -> Result<(Read, u64), Refusal> {
    let found = scan::scan(&text);
    for (what, found, most) in [
        ("levels of brackets", found.deepest, limits::DEEPEST_BRACKETS),
        ("tokens", found.tokens, limits.max_tokens),
        ("directives", found.directives, limits.max_directives),
        ("aliases", found.aliases, limits.max_aliases),
    ] {
        if found > most {
            let message = format!("{what}: at most {most}, this document has {found}");
            return Err(Refusal::too_complex(message));
        }
    }
    let document = parser::parse_query(&text).map_err(|error| unreadable(&error))?;
    let operation = operation(&document, chosen.as_deref())?;
    variables::check(operation, variables)?;
    let cost = weigh::weigh(&document, variables, chosen.as_deref(), limits)?;
    let roots = asked(&document, &operation.selection_set.node);
    let kind = operation.ty;
    if kind == OperationType::Subscription && roots.len() > 1 {
        return Err(Refusal::invalid("a subscription has one root field"));
    }
    if roots.len() > limits.max_roots {
        let most = limits.max_roots;
        let message = format!("root fields: at most {most}, this operation has {}", roots.len());
        return Err(Refusal::too_complex(message));
    }
    let merges = stands_twice(&document, &operation.selection_set.node, 0);
    Ok((Read::new(text, chosen, document, roots, merges, kind), cost))
}

/// A document that is no GraphQL. The parser draws a picture of the place; its last line says what is
/// missing there.
fn unreadable(error: &parser::Error) -> Refusal {
    if matches!(error, parser::Error::RecursionLimitExceeded) {
        return Refusal::too_complex("fields nest too deep to be read");
    }
    let (message, position) = match error {
        parser::Error::Syntax { message, start, .. } => {
            let expected = message.lines().last().unwrap_or_default().trim();
            let expected = expected.trim_start_matches("= ").replace('_', " ");
            (format!("the document can't be read: {expected}"), Some(*start))
        }
        other => (format!("the document can't be read: {other}"), None),
    };
    Refusal::new("GRAPHQL_PARSE_FAILED", message, position)
}

/// The operation that is to be run.
fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition, Refusal> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(name) => operations.find(|(known, _)| known.is_some_and(|known| known == name)),
        None => operations.next().filter(|_| operations.next().is_none()),
    };
    found.map(|(_, operation)| &operation.node).ok_or_else(|| {
        Refusal::invalid(match name {
            Some(name) => format!("the document has no operation `{name}`"),
            None => "the document has several operations: say which as `operationName`".to_owned(),
        })
    })
}

/// The root fields of a selection, those that stand more than once together, with the fields below them.
fn asked(document: &ExecutableDocument, set: &SelectionSet) -> Vec<Asked> {
    let mut fields = Vec::new();
    fields_of(document, set, &mut HashSet::new(), &mut fields);
    let mut all: IndexMap<(&str, &str), Vec<String>> = IndexMap::new();
    for field in fields {
        let mut below = Vec::new();
        fields_of(document, &field.selection_set.node, &mut HashSet::new(), &mut below);
        let below = below.into_iter().map(|field| field.response_key().node.to_string());
        let place = (field.response_key().node.as_str(), field.name.node.as_str());
        all.entry(place).or_default().extend(below);
    }
    let asked = all.into_iter().map(|((name, field), below)| Asked {
        field: field.to_owned(),
        name: name.to_owned(),
        below,
    });
    asked.collect()
}

/// How deep types written by hand nest, in which the library resolves each field where it stands. Below, a
/// declared row takes all that is asked of it together.
const WRITTEN_LEVELS: usize = 3;

/// Whether a field with fields below stands more than once in a selection, or in one below it.
fn stands_twice(document: &ExecutableDocument, set: &SelectionSet, level: usize) -> bool {
    if level >= WRITTEN_LEVELS {
        return false;
    }
    let mut fields = Vec::new();
    fields_of(document, set, &mut HashSet::new(), &mut fields);
    fields.retain(|field| !field.selection_set.node.items.is_empty());
    let mut keys = HashSet::new();
    fields.iter().any(|field| !keys.insert(field.response_key().node.as_str()))
        || fields.iter().any(|field| stands_twice(document, &field.selection_set.node, level + 1))
}

/// The fields of a selection, fragments opened.
fn fields_of<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    visited: &mut HashSet<&'d str>,
    fields: &mut Vec<&'d Field>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(fragment) => {
                fields_of(document, &fragment.node.selection_set.node, visited, fields);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = document.fragments.get(name)
                    && visited.insert(name.as_str())
                {
                    fields_of(document, &fragment.node.selection_set.node, visited, fields);
                }
            }
        }
    }
}

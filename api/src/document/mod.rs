//! What is checked of a request before the library executes it, in this order: tokens and brackets, the
//! parse, variables, the size with fragments opened and the cost, the root fields, and the rules of the
//! specification. What runs is the operation in its normal form. The figures are in [`Limits`]. A document
//! that has been allowed before is [`Known`]: only its variables and its cost with them are checked again.

mod input_fields;
mod known;
mod limits;
mod normalize;
mod parse;
mod scan;
mod shape;
mod table;
mod validate;
mod variables;
mod weigh;

use std::{collections::HashSet, sync::Arc};

use apollo_compiler::ast;
use async_graphql::{
    ErrorExtensionValues, Pos, Request, ServerError, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use indexmap::IndexMap;

pub use known::{Known, Read, Variant};
pub use limits::{LARGEST_BATCH, Limits, MOST_ERRORS};
pub use table::{Rows, Table, table};

/// A request within the limits, which the rules of the specification have not been applied to yet.
pub struct Unvalidated {
    /// The document.
    pub read: Arc<Read>,
    request: Request,
    cost: u64,
    /// What to validate; `None` for a document that was validated before.
    parsed: Option<ast::Document>,
}

impl Unvalidated {
    /// Validates the document, and normalizes the operation.
    ///
    /// # Errors
    /// The violated rules.
    pub fn validate(self) -> Result<Prepared, Refusal> {
        let Self { read, mut request, cost, parsed } = self;
        if let Some(parsed) = parsed {
            validate::validate(&parsed)?;
        }
        let ways = read.ways(&request.variables);
        let allowed = ways.and_then(|ways| read.variant(ways));
        let is_allowed = allowed.is_some();
        let (normalized, variant) = if let Some(normalized) = allowed {
            (normalized, None)
        } else {
            let normalized = Arc::new(read.normalized(&request.variables)?);
            let variant = ways.map(|ways| Variant::new(ways, Arc::clone(&normalized)));
            (normalized, variant)
        };
        // The normal form holds this operation alone.
        request.operation_name = None;
        request.set_parsed_query(ExecutableDocument::clone(&normalized));
        Ok(Prepared { request, read, cost, is_allowed, variant })
    }
}

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
    /// The operation in its normal form, and what of the variables it depends on, for the next time.
    pub variant: Option<Variant>,
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
    validate::schema();
}

/// Checks a request against the limits, and puts the defaults of absent variables in. A document that is `known`
/// is neither read nor validated again.
///
/// # Errors
/// What is wrong, before anything has run.
pub fn prepare(
    mut request: Request,
    limits: &Limits,
    known: &Known,
) -> Result<Unvalidated, Refusal> {
    let text = std::mem::take(&mut request.query);
    let chosen = request.operation_name.clone();
    if let Some(read) = known.find(&text, chosen.as_deref()) {
        variables::check(read.operation()?, &mut request.variables)?;
        let cost = weigh::weigh(read.document(), &request.variables, chosen.as_deref(), limits)?;
        return Ok(Unvalidated { read, request, cost, parsed: None });
    }
    let (read, cost, parsed) = read(text, chosen, &mut request.variables, limits)?;
    Ok(Unvalidated { read: Arc::new(read), request, cost, parsed: Some(parsed) })
}

/// Reads a document, and checks its variables; gives what it costs.
fn read(
    text: String,
    chosen: Option<String>,
    variables: &mut Variables,
    limits: &Limits,
) -> Result<(Read, u64, ast::Document), Refusal> {
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
    let parsed = parse::parse(&text)?;
    let document = parse::executable(&parsed)?;
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
    Ok((Read::new(text, chosen, document, roots, kind), cost, parsed))
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

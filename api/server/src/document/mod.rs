//! Checks of a request before the library executes it, in this order: tokens and brackets, parsing, variables, size
//! with fragments expanded and query cost, root fields, and the validation rules of the specification. The operation is
//! executed in its normal form. The limits are in [`Limits`]. For a document that was validated before
//! ([`DocumentCache`]), only its variables and the resulting cost are checked again.

mod cache;
mod cost;
mod groups;
mod input_fields;
mod introspection;
mod limits;
mod literals;
mod normalize;
mod parse;
mod published_schema;
mod scan;
mod schema_index;
mod table;
mod validate;
mod variables;

use axum::http::HeaderMap;
use std::{borrow::Cow, collections::HashSet, sync::Arc};

use apollo_compiler::ast;
use async_graphql::{
    ErrorExtensionValues, Pos, Request, ServerError, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use engine::Reason;
use indexmap::IndexSet;
use literals::Literals;

pub use cache::{DocumentCache, ParsedDocument, Variant};
pub use introspection::{Introspection, is_introspection};
pub use limits::{Limits, MAX_BATCH, MAX_ERRORS};
pub use normalize::{fields, root_set};
pub use published_schema::PublishedSchema;
pub use table::{Rows, Table, table};

/// A request within the limits, not yet validated against the specification.
pub struct Unvalidated {
    /// The document.
    pub read: Arc<ParsedDocument>,
    request: Request,
    cost: u64,
    /// The document to validate; `None` if it was validated before.
    parsed: Option<(ast::Document, Literals)>,
}

impl Unvalidated {
    /// Validates the document, and normalizes the operation.
    ///
    /// # Errors
    /// The violated rules.
    pub fn validate(self) -> Result<Prepared, Refusal> {
        let Self { read, mut request, cost, parsed } = self;
        if let Some((parsed, literals)) = parsed {
            literals.check()?;
            single_roots(read.document())?;
            let valid = validate::validate(read.schema(), &parsed, &literals.nulls)?;
            if read.introspects() {
                read.keep_introspection(valid);
            }
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
        // The normal form contains only this operation.
        request.operation_name = None;
        request.set_parsed_query(normalize::without_introspection(&normalized));
        let introspection = read.introspection();
        Ok(Prepared { request, read, cost, is_allowed, variant, normalized, introspection })
    }
}

/// A request that may be executed.
pub struct Prepared {
    /// The request, parsed.
    pub request: Request,
    /// Its document.
    pub read: Arc<ParsedDocument>,
    /// Its query cost.
    pub cost: u64,
    /// Whether the document was validated before with the same presence of variables.
    pub is_allowed: bool,
    /// The normal form and the variables it depends on, to be cached.
    pub variant: Option<Variant>,
    /// The normal form of the operation, which determines the order of response fields.
    pub normalized: Arc<ExecutableDocument>,
    /// The introspection fields of the operation, which `request` does not contain.
    pub introspection: Option<Introspection>,
}

/// A root field.
#[derive(Debug)]
pub struct RootField {
    /// The field name in the schema.
    pub field: String,
    /// The response name.
    pub name: String,
}

/// Why a request is rejected.
#[derive(Debug)]
pub struct Refusal {
    /// The code of the first error.
    pub code: &'static str,
    /// The error messages for the client.
    pub errors: Vec<ServerError>,
    /// Headers of the response, if any.
    pub headers: Option<Box<HeaderMap>>,
}

impl Refusal {
    /// A rejection for one reason.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>, position: Option<Pos>) -> Self {
        let mut error = ServerError::new(message, position);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        extensions.set("reason", reason_of(code).code());
        error.extensions = Some(extensions);
        Self { code, errors: vec![error], headers: None }
    }

    /// The same rejection with a more specific reason than the default reason of its code.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        for error in &mut self.errors {
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("reason", reason.code());
        }
        self
    }

    /// Whether the first error has this reason.
    #[must_use]
    pub fn is_because(&self, reason: Reason) -> bool {
        let extensions = self.errors.first().and_then(|error| error.extensions.as_ref());
        let known = extensions.and_then(|extensions| extensions.get("reason"));
        known.is_some_and(|known| *known == reason.code().into())
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

/// The default reason of an error code.
#[must_use]
pub fn reason_of(code: &str) -> Reason {
    match code {
        "GRAPHQL_PARSE_FAILED" => Reason::DocumentSyntax,
        INVALID => Reason::DocumentInvalid,
        "TOO_COMPLEX" => Reason::OperationTooComplex,
        "INTERNAL" => Reason::InternalError,
        "UNAVAILABLE" => Reason::ServerBusy,
        "UNAUTHENTICATED" => Reason::KeyRequired,
        "FORBIDDEN" => Reason::PermissionMissing,
        "METHOD_NOT_ALLOWED" => Reason::MethodNotAllowed,
        "NOT_ACCEPTABLE" => Reason::NotAcceptable,
        "PERSISTED_QUERY_NOT_FOUND" => Reason::PersistedQueryNotFound,
        _ => Reason::RequestInvalid,
    }
}

/// The rejection of a request that is not GraphQL, and that the service has rejected.
impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Self {
        let error = graph::error::Error::from(error);
        let code = error.code();
        let mut error = error.into_server_error(Pos::default(), Vec::new());
        error.locations.clear();
        Self { code, errors: vec![error], headers: None }
    }
}

/// Client text, shortened for an error message.
fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(limits::MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// Error code of a document or variables that violate the schema.
pub const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// Checks a request against the limits and fills in the default values of omitted variables. A document that is
/// `known` is neither parsed nor validated again.
///
/// # Errors
/// The violated limits, before anything is executed.
pub fn prepare(
    schema: &Arc<PublishedSchema>,
    mut request: Request,
    limits: &Limits,
    known: Option<Arc<ParsedDocument>>,
) -> Result<Unvalidated, Refusal> {
    let text = std::mem::take(&mut request.query);
    let chosen = request.operation_name.clone();
    if let Some(read) = known {
        variables::coerce(&schema.index, read.operation()?, &mut request.variables)?;
        let (document, variables) = (read.document(), &request.variables);
        let cost = cost::weigh(&schema.index, document, variables, chosen.as_deref(), limits)?;
        return Ok(Unvalidated { read, request, cost, parsed: None });
    }
    let (read, cost, parsed) = read(schema, text, chosen, &mut request.variables, limits)?;
    let read = Arc::new(read);
    Ok(Unvalidated { read, request, cost, parsed: Some(parsed) })
}

/// Parses a document and coerces its variables; returns its query cost.
fn read(
    schema: &Arc<PublishedSchema>,
    text: String,
    chosen: Option<String>,
    variables: &mut Variables,
    limits: &Limits,
) -> Result<(ParsedDocument, u64, (ast::Document, Literals)), Refusal> {
    let found = scan::scan(&text);
    for (what, found, most) in [
        ("bracket depth", found.deepest, limits::MAX_BRACKET_DEPTH),
        ("tokens", found.tokens, limits.max_tokens),
        ("directives", found.directives, limits.max_directives),
        ("aliases", found.aliases, limits.max_aliases),
        ("variable definitions and uses", found.variables, limits::MAX_VARIABLES),
        ("name length in bytes", found.longest_name, limits.max_name_length),
        ("string length in bytes", found.longest_string, limits.max_string_length),
    ] {
        if found > most {
            let message = format!("{what}: {found} exceeds the limit of {most}");
            return Err(Refusal::too_complex(message));
        }
    }
    let mut parsed = parse::parse(&text)?;
    if let Some((place, fault)) = found.fault {
        return Err(parse::fault(&text, place, fault));
    }
    let literals = literals::coerce(schema.valid()?, &mut parsed);
    let document = parse::executable(&parsed)?;
    let operation = operation(&document, chosen.as_deref())?;
    variables::coerce(&schema.index, operation, variables)?;
    let cost = cost::weigh(&schema.index, &document, variables, chosen.as_deref(), limits)?;
    let roots = root_fields(&document, &operation.selection_set.node);
    let kind = operation.ty;
    if roots.len() > limits.max_roots {
        let most = limits.max_roots;
        let message = format!("root fields: {} exceeds the limit of {most}", roots.len());
        return Err(Refusal::too_complex(message));
    }
    let read = ParsedDocument::new(Arc::clone(schema), text, chosen, document, roots, kind);
    Ok((read, cost, (parsed, literals)))
}

/// Single Root Field: counts the response names at the root of each subscription
/// (<https://spec.graphql.org/September2025/#sec-Single-Root-Field>).
fn single_roots(document: &ExecutableDocument) -> Result<(), Refusal> {
    for (_, operation) in document.operations.iter() {
        let (pos, operation) = (operation.pos, &operation.node);
        if operation.ty == OperationType::Subscription
            && root_fields(document, &operation.selection_set.node).len() > 1
        {
            return Err(Refusal::invalid_at(
                "a subscription must have exactly one root field",
                pos,
            ));
        }
    }
    Ok(())
}

/// The operation to execute.
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
            Some(name) => format!("unknown operation `{}`", quoted(name)),
            None => {
                "`operationName` is required because the document has several operations".to_owned()
            }
        })
    })
}

/// The root fields of a selection, one per response name.
fn root_fields(document: &ExecutableDocument, set: &SelectionSet) -> Vec<RootField> {
    let mut fields = Vec::new();
    fields_of(document, set, &mut HashSet::new(), &mut fields);
    let fields = fields.into_iter();
    let all = fields.map(|field| (field.response_key().node.as_str(), field.name.node.as_str()));
    let all = all.collect::<IndexSet<_>>().into_iter();
    all.map(|(name, field)| RootField { field: field.to_owned(), name: name.to_owned() }).collect()
}

/// The fields of a selection, fragments expanded.
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

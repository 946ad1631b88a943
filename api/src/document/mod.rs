//! What is checked of a request before the library executes it, in this order: tokens and brackets, the
//! parse, variables, the size with fragments opened and the cost, the root fields, and the rules of the
//! specification. What runs is the operation in its normal form. The figures are in [`Limits`]. A document
//! that has been allowed before is [`Known`]: only its variables and its cost with them are checked again.

mod input_fields;
mod introspection;
mod known;
mod limits;
mod literals;
mod normalize;
mod parse;
mod placeholder;
mod scan;
mod shape;
mod table;
mod validate;
mod variables;
mod weigh;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use apollo_compiler::ast;
use async_graphql::{
    ErrorExtensionValues, Pos, Request, ServerError, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use indexmap::IndexSet;
use literals::Literals;
use service::Reason;

pub use introspection::{Introspection, is_introspection};
pub use known::{Known, Read, Variant};
pub use limits::{LARGEST_BATCH, Limits, MOST_ERRORS};
pub use normalize::{fields, root_set};
pub use placeholder::{PLACEHOLDER, is_placeholder, remove_placeholders};
pub use table::{Rows, Table, table};

/// A request within the limits, which the rules of the specification have not been applied to yet.
pub struct Unvalidated {
    /// The document.
    pub read: Arc<Read>,
    request: Request,
    cost: u64,
    /// What to validate; `None` for a document that was validated before.
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
            let valid = validate::validate(&parsed, &literals.nulls)?;
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
        // The normal form holds this operation alone.
        request.operation_name = None;
        request.set_parsed_query(normalize::without_introspection(&normalized));
        let introspection = read.introspection();
        Ok(Prepared { request, read, cost, is_allowed, variant, normalized, introspection })
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
    /// The operation in its normal form, which has the order of the fields of the answer.
    pub normalized: Arc<ExecutableDocument>,
    /// The introspection fields of the operation, which `request` does not have.
    pub introspection: Option<Introspection>,
}

/// A root field.
#[derive(Debug)]
pub struct Asked {
    /// Its name in the schema.
    pub field: String,
    /// Its name in the answer.
    pub name: String,
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
        extensions.set("reason", reason_of(code).code());
        error.extensions = Some(extensions);
        Self { code, errors: vec![error] }
    }

    /// The same, for a reason that its code does not say.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        for error in &mut self.errors {
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("reason", reason.code());
        }
        self
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

/// The reason that a code stands for, where nothing more is known.
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

/// Text of the client, shortened for a message.
fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(limits::MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The code of a document, or of variables, that the schema doesn't allow.
pub const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// Reads what has to be read once, so that no request waits for it.
pub fn warm_up() {
    shape::Shape::of_schema();
    // An error would be found by every request.
    let _ = validate::schema();
}

/// Checks a request against the limits, and puts the defaults of absent variables in. A document that is `known`
/// is neither read nor validated again.
///
/// # Errors
/// What is wrong, before anything has run.
pub fn prepare(
    mut request: Request,
    limits: &Limits,
    known: Option<Arc<Read>>,
) -> Result<Unvalidated, Refusal> {
    let text = std::mem::take(&mut request.query);
    let chosen = request.operation_name.clone();
    if let Some(read) = known {
        variables::coerce(read.operation()?, &mut request.variables)?;
        let cost = weigh::weigh(read.document(), &request.variables, chosen.as_deref(), limits)?;
        return Ok(Unvalidated { read, request, cost, parsed: None });
    }
    let (read, cost, parsed) = read(text, chosen, &mut request.variables, limits)?;
    let read = Arc::new(read);
    Ok(Unvalidated { read, request, cost, parsed: Some(parsed) })
}

/// Reads a document, and checks its variables; gives what it costs.
fn read(
    text: String,
    chosen: Option<String>,
    variables: &mut Variables,
    limits: &Limits,
) -> Result<(Read, u64, (ast::Document, Literals)), Refusal> {
    let found = scan::scan(&text);
    for (what, found, most) in [
        ("levels of brackets", found.deepest, limits::DEEPEST_BRACKETS),
        ("tokens", found.tokens, limits.max_tokens),
        ("directives", found.directives, limits.max_directives),
        ("aliases", found.aliases, limits.max_aliases),
        ("variables and their uses", found.variables, limits::MAX_VARIABLES),
        ("bytes of a name", found.longest_name, limits.max_name_length),
        ("bytes of a string", found.longest_string, limits.max_string_length),
    ] {
        if found > most {
            let message = format!("{what}: at most {most}, this document has {found}");
            return Err(Refusal::too_complex(message));
        }
    }
    let mut parsed = parse::parse(&text)?;
    if let Some((place, fault)) = found.fault {
        return Err(parse::fault(&text, place, fault));
    }
    let literals = literals::coerce(validate::schema()?, &mut parsed);
    let document = parse::executable(&parsed)?;
    let operation = operation(&document, chosen.as_deref())?;
    variables::coerce(operation, variables)?;
    let cost = weigh::weigh(&document, variables, chosen.as_deref(), limits)?;
    let roots = asked(&document, &operation.selection_set.node);
    let kind = operation.ty;
    if roots.len() > limits.max_roots {
        let most = limits.max_roots;
        let message = format!("root fields: at most {most}, this operation has {}", roots.len());
        return Err(Refusal::too_complex(message));
    }
    Ok((Read::new(text, chosen, document, roots, kind), cost, (parsed, literals)))
}

/// Single Root Field: counts the response names at the root of each subscription
/// (<https://spec.graphql.org/September2025/#sec-Single-Root-Field>).
fn single_roots(document: &ExecutableDocument) -> Result<(), Refusal> {
    for (_, operation) in document.operations.iter() {
        let (pos, operation) = (operation.pos, &operation.node);
        if operation.ty == OperationType::Subscription
            && asked(document, &operation.selection_set.node).len() > 1
        {
            return Err(Refusal::invalid_at("a subscription has one root field", pos));
        }
    }
    Ok(())
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
            Some(name) => format!("the document has no operation `{}`", quoted(name)),
            None => "the document has several operations: say which as `operationName`".to_owned(),
        })
    })
}

/// The root fields of a selection, one for each response name.
fn asked(document: &ExecutableDocument, set: &SelectionSet) -> Vec<Asked> {
    let mut fields = Vec::new();
    fields_of(document, set, &mut HashSet::new(), &mut fields);
    let fields = fields.into_iter();
    let all = fields.map(|field| (field.response_key().node.as_str(), field.name.node.as_str()));
    let all = all.collect::<IndexSet<_>>().into_iter();
    all.map(|(name, field)| Asked { field: field.to_owned(), name: name.to_owned() }).collect()
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

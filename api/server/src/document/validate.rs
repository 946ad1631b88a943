//! Validation of a document against the schema: the rules for executable documents of the specification
//! (September 2025, <https://spec.graphql.org/September2025/#sec-Validation>).

use apollo_compiler::{
    ExecutableDocument, ast,
    diagnostic::Diagnostic,
    response::GraphQLError,
    validation::{DiagnosticData, Valid},
};
use async_graphql::Pos;

use super::{
    INVALID, Refusal, input_fields, limits::MAX_ERRORS, published_schema::PublishedSchema, quoted,
};

/// Validates a document; `nulls` are the positions of `null` in lists of a custom scalar, which the library rejects.
///
/// # Errors
/// The violated rules, at most [`MAX_ERRORS`] of them.
pub(super) fn validate(
    schema: &PublishedSchema,
    document: &ast::Document,
    nulls: &[Pos],
) -> Result<Valid<ExecutableDocument>, Refusal> {
    let schema = schema.valid()?;
    input_fields::check(document)?;
    let invalid = match document.to_executable_validate(schema) {
        Ok(valid) => return Ok(valid),
        Err(invalid) => invalid,
    };
    let is_wrong = |error: &Diagnostic<'_, DiagnosticData>| {
        counts_roots(error.error) || is_null_in_scalar(error, nulls)
    };
    let errors = || invalid.errors.iter().filter(|error| !is_wrong(error));
    if errors().next().is_none() {
        return Ok(Valid::assume_valid(invalid.partial));
    }
    Err(refusal(INVALID, errors()))
}

/// Whether an error concerns `null` in a list of a custom scalar. The library checks the items of such a list against
/// the type of the whole list, which may be non-null.
fn is_null_in_scalar(error: &Diagnostic<'_, DiagnosticData>, nulls: &[Pos]) -> bool {
    error.error.unstable_error_name() == Some("UnsupportedValueType")
        && position(error).is_some_and(|position| nulls.contains(&position))
}

fn position(error: &Diagnostic<'_, DiagnosticData>) -> Option<Pos> {
    let places = error.unstable_to_json_compat().locations;
    places.first().map(|place| Pos { line: place.line, column: place.column })
}

/// Whether an error concerns the number of root fields of a subscription. The library counts selections; Single Root
/// Field counts response names, which the caller checks.
fn counts_roots(error: &DiagnosticData) -> bool {
    error.unstable_error_name() == Some("SubscriptionUsesMultipleFields")
}

/// Converts errors of the parser or validator to a rejection with this code.
pub(super) fn refusal<'e>(
    code: &'static str,
    errors: impl Iterator<Item = Diagnostic<'e, DiagnosticData>>,
) -> Refusal {
    let mut refusals = errors.take(MAX_ERRORS).map(|error| {
        let GraphQLError { message, .. } = error.unstable_to_json_compat();
        Refusal::new(code, shortened(&message), position(&error))
    });
    let first = refusals.next();
    let mut refusal = first.unwrap_or_else(|| Refusal::new(code, "the document is invalid", None));
    refusal.errors.extend(refusals.flat_map(|other| other.errors));
    refusal
}

/// Shortens each quoted text in a message to 100 characters: names contain no spaces, and values are at the end,
/// after a colon.
fn shortened(message: &str) -> String {
    let (head, value) = match message.split_once(": ") {
        Some((head, value)) => (head, Some(quoted(value))),
        None => (message, None),
    };
    let words = head.split(' ').map(quoted).collect::<Vec<_>>();
    let head = words.join(" ");
    value.map_or_else(|| head.clone(), |value| format!("{head}: {value}"))
}

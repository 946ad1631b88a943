//! Validation of a document against the schema: the rules for executable documents of the specification
//! (September 2025, <https://spec.graphql.org/September2025/#sec-Validation>).

use std::sync::LazyLock;

use apollo_compiler::{
    Schema, ast,
    response::GraphQLError,
    validation::{DiagnosticData, DiagnosticList, Valid},
};
use async_graphql::Pos;

use super::{INVALID, Refusal, input_fields, limits::MOST_ERRORS};

/// The maximum length of an error message that quotes a document, in characters.
const MAX_MESSAGE: usize = 300;

/// The schema of the server, in the form that the validator reads.
///
/// `None` if the server prints a schema that the validator rejects. A test validates documents, so this cannot go
/// unnoticed.
pub(super) fn schema() -> Option<&'static Valid<Schema>> {
    static SCHEMA: LazyLock<Option<Valid<Schema>>> =
        LazyLock::new(|| Schema::parse_and_validate(crate::schema::sdl(), "schema.graphql").ok());
    SCHEMA.as_ref()
}

/// Validates a document.
///
/// # Errors
/// The violated rules, at most [`MOST_ERRORS`] of them.
pub(super) fn validate(document: &ast::Document) -> Result<(), Refusal> {
    let schema =
        schema().ok_or_else(|| Refusal::new("INTERNAL", "the schema cannot be read", None))?;
    input_fields::check(document)?;
    match document.to_executable_validate(schema) {
        Ok(_) => Ok(()),
        Err(invalid) if invalid.errors.iter().all(|error| counts_roots(error.error)) => Ok(()),
        Err(invalid) => Err(refusal(INVALID, &invalid.errors)),
    }
}

/// Whether an error is about the number of root fields of a subscription. The library counts selections; Single
/// Root Field counts response names, which the caller does.
fn counts_roots(error: &DiagnosticData) -> bool {
    error.unstable_error_name() == Some("SubscriptionUsesMultipleFields")
}

/// The errors of the parser or the validator as a refusal with this code.
pub(super) fn refusal(code: &'static str, errors: &DiagnosticList) -> Refusal {
    let mut refusals = errors.iter().take(MOST_ERRORS).map(|error| {
        let GraphQLError { message, locations, .. } = error.unstable_to_json_compat();
        let position =
            locations.first().map(|place| Pos { line: place.line, column: place.column });
        Refusal::new(code, shortened(message), position)
    });
    let first = refusals.next();
    let mut refusal = first.unwrap_or_else(|| Refusal::new(code, "the document is invalid", None));
    refusal.errors.extend(refusals.flat_map(|other| other.errors));
    refusal
}

/// A message without most of a long text that it quotes.
fn shortened(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

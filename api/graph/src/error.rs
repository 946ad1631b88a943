//! Errors shown to clients: a code and a useful message, without internal details.

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError};
use engine::Reason;

/// An error of a resolver. Deliberately without `Display`: async-graphql would send the text of any `Display` error to
/// the client.
#[derive(Debug)]
pub struct Error(engine::Error);

/// The result of a resolver.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        Self(error)
    }
}

impl Error {
    /// A validation error.
    #[must_use]
    pub fn invalid(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self(engine::Error::invalid(reason, field, message))
    }

    /// A request that exceeds a limit.
    #[must_use]
    pub fn too_complex(message: impl Into<String>) -> Self {
        Self(engine::Error::TooComplex(Reason::ResultTooLarge, message.into()))
    }

    /// An internal error.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self(engine::Error::internal(message))
    }

    /// Converts this error into a user error of a mutation, for the input at `path`.
    #[must_use]
    pub fn into_problems(self, path: &str) -> Vec<engine::Problem> {
        match self.0 {
            engine::Error::Refused(problems) => problems,
            other => vec![engine::Problem::invalid(other.reason(), path, other.to_string())],
        }
    }

    /// The error code in `extensions.code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            engine::Error::NotFound(_) => "NOT_FOUND",
            engine::Error::Invalid { .. } => "INVALID",
            engine::Error::BadCursor { .. } => "BAD_CURSOR",
            engine::Error::TooComplex(..) => "TOO_COMPLEX",
            engine::Error::Conflict(..) | engine::Error::Refused(_) => "CONFLICT",
            engine::Error::Forbidden { .. } | engine::Error::OperatorOnly(_) => "FORBIDDEN",
            engine::Error::RateLimited { .. } => "RATE_LIMITED",
            engine::Error::CursorExpired => "CURSOR_EXPIRED",
            engine::Error::Unavailable(_) => "UNAVAILABLE",
            engine::Error::Internal(_) => "INTERNAL",
        }
    }

    /// Converts this error into an error of a GraphQL response at `path`. Internal details are logged here, once.
    #[must_use]
    pub fn into_server_error(self, position: Pos, path: Vec<PathSegment>) -> ServerError {
        match &self.0 {
            engine::Error::Unavailable(source) => {
                tracing::warn!(error = %source, "database unavailable");
            }
            engine::Error::Internal(source) => {
                tracing::error!(error = %source, "internal error");
            }
            _ => {}
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code());
        extensions.set("reason", self.0.reason().code());
        if let engine::Error::Invalid { field, .. } = &self.0 {
            extensions.set("field", field.as_str());
        }
        let mut error = ServerError::new(self.0.to_string(), Some(position));
        error.path = path;
        error.extensions = Some(extensions);
        error
    }
}

/// An error of nested rows as the error of the field that contains them, with its code and reason. The conversion of
/// the library (`?`) would lose both.
#[must_use]
pub fn of_nested_rows(error: ServerError) -> async_graphql::Error {
    let mut client = async_graphql::Error::new(error.message);
    client.extensions = error.extensions;
    client
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        let error = error.into_server_error(Pos::default(), Vec::new());
        let mut client = Self::new(error.message);
        client.extensions = error.extensions;
        client
    }
}

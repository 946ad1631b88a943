//! What clients see of a failure: a code, a text they can use, nothing internal.

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError};
use service::Reason;

/// An error of a resolver. It has no `Display` on purpose: async-graphql would send the text of
/// whatever has one to the client.
#[derive(Debug)]
pub struct Error(service::Error);

/// The outcome of a resolver.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<service::Error> for Error {
    fn from(error: service::Error) -> Self {
        Self(error)
    }
}

impl Error {
    /// An input that breaks a rule.
    #[must_use]
    pub fn invalid(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self(service::Error::invalid(reason, field, message))
    }

    /// A request that asks for too much.
    #[must_use]
    pub fn too_complex(message: impl Into<String>) -> Self {
        Self(service::Error::TooComplex(Reason::ResultTooLarge, message.into()))
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self(service::Error::internal(message))
    }

    /// What it says of the input at `path`, as a problem of a mutation.
    #[must_use]
    pub fn into_problems(self, path: &str) -> Vec<service::Problem> {
        match self.0 {
            service::Error::Refused(problems) => problems,
            other => vec![service::Problem::invalid(other.reason(), path, other.to_string())],
        }
    }

    /// The code in `extensions.code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            service::Error::NotFound(_) => "NOT_FOUND",
            service::Error::Invalid { .. } => "INVALID",
            service::Error::BadCursor { .. } => "BAD_CURSOR",
            service::Error::TooComplex(..) => "TOO_COMPLEX",
            service::Error::Conflict(..) | service::Error::Refused(_) => "CONFLICT",
            service::Error::Forbidden { .. } | service::Error::OperatorOnly(_) => "FORBIDDEN",
            service::Error::CursorExpired => "CURSOR_EXPIRED",
            service::Error::Unavailable(_) => "UNAVAILABLE",
            service::Error::Internal(_) => "INTERNAL",
        }
    }

    /// The error of a GraphQL answer, at `path`. What is not for users is logged here, once.
    #[must_use]
    pub fn into_server_error(self, position: Pos, path: Vec<PathSegment>) -> ServerError {
        match &self.0 {
            service::Error::Unavailable(source) => {
                tracing::warn!(error = %source, "the database can't be reached");
            }
            service::Error::Internal(source) => {
                tracing::error!(error = %source, "a request failed by a fault of ours");
            }
            _ => {}
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code());
        extensions.set("reason", self.0.reason().code());
        if let service::Error::Invalid { field, .. } = &self.0 {
            extensions.set("field", field.as_str());
        }
        let mut error = ServerError::new(self.0.to_string(), Some(position));
        error.path = path;
        error.extensions = Some(extensions);
        error
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        let error = error.into_server_error(Pos::default(), Vec::new());
        let mut client = Self::new(error.message);
        client.extensions = error.extensions;
        client
    }
}

//! The closed kinds of failure that the service reports.

use sea_orm::{DbErr, RuntimeErr};

/// What went wrong. The texts of all but the last two are written for users; the source of those is
/// logged once, where the request ends, and never leaves the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing in this organization.
    #[error("{0} was not found")]
    NotFound(String),
    /// The input breaks a rule that its sender can keep.
    #[error("{message}")]
    Invalid {
        /// What it is about, in the words of the caller: an argument, a field, an option.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The cursor was not made for this list, or not by this server.
    #[error("the cursor in `{field}` does not belong to this list: {message}")]
    BadCursor {
        /// `after` or `before`.
        field: &'static str,
        /// What does not fit.
        message: &'static str,
    },
    /// The request asks for more than one answer may hold.
    #[error("{0}")]
    TooComplex(String),
    /// The input is right by itself, but not beside what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The database can't be reached, or not in time.
    #[error("the database can't be reached at the moment, try again")]
    Unavailable(#[source] DbErr),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The outcome of a service function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A fault of ours, told in words.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into().into())
    }

    /// An input that breaks a rule.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(ref cause))
            | DbErr::Query(RuntimeErr::SqlxError(ref cause))
                if is_lost(cause) =>
            {
                Self::Unavailable(error)
            }
            other => Self::Internal(Box::new(other)),
        }
    }
}

/// Whether the database went away, rather than refused.
fn is_lost(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        // Postgres: connection exceptions, and an operator's intervention.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

//! The errors of the service.

use sea_orm::{DbErr, RuntimeErr};
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// An error of a service function. The messages of all variants except the last two are written for users. The source
/// error of the last two variants is logged once, at the end of the request, and is never sent to a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The organization has no such row.
    #[error("{0} was not found")]
    NotFound(String),
    /// The input violates a rule.
    #[error("{message}")]
    Invalid {
        /// The reason code, for programs.
        reason: Reason,
        /// The name of the invalid input in the interface of the caller: an argument, a field or an option.
        field: String,
        /// What is wrong and what would be valid.
        message: String,
    },
    /// The cursor belongs to another list or another server.
    #[error("the cursor in `{field}` does not belong to this list: {message}")]
    BadCursor {
        /// `after` or `before`.
        field: &'static str,
        /// Why the cursor was rejected.
        message: &'static str,
    },
    /// The request exceeds a limit of the server.
    #[error("{1}")]
    TooComplex(Reason, String),
    /// The input is valid but conflicts with the current state.
    #[error("{1}")]
    Conflict(Reason, String),
    /// The role of the actor lacks the permission.
    #[error("the role {role} lacks the permission {permission}")]
    Forbidden {
        /// The role of the actor.
        role: &'static str,
        /// The missing permission.
        permission: &'static str,
    },
    /// On a server with several organizations, only the operator of the server may read the field.
    #[error(
        "`{0}` covers all organizations of the server; only the server operator can read it, on the server itself"
    )]
    OperatorOnly(&'static str),
    /// There have been too many requests of this kind.
    #[error("{message}")]
    RateLimited {
        /// The reason code, for programs.
        reason: Reason,
        /// What the limit is and when to retry.
        message: String,
        /// Seconds after which a retry may succeed.
        retry_after: u32,
    },
    /// The write was rejected, with all problems found. Nothing has been written.
    #[error("{}", .0.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// The cursor is older than the oldest entry of the change log.
    #[error("the cursor has expired; refetch the current state and resubscribe without `after`")]
    CursorExpired,
    /// The database is unreachable or did not respond in time.
    #[error("the database is temporarily unavailable; try again")]
    Unavailable(#[source] DbErr),
    /// An internal error: a bug or a failure of the server.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A validation error or conflict in the input of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of the problem.
    pub code: ProblemCode,
    /// The reason code, for programs.
    pub reason: Reason,
    /// The invalid input: a column, or a path of names joined by `.`.
    pub field: Option<String>,
    /// What is wrong and what would be valid.
    pub message: String,
    /// The index of the item in a batch, counted from 0.
    pub index: Option<usize>,
    /// For a revision conflict, the current row of the entity that the mutation writes.
    #[serde(default)]
    pub current: Option<i64>,
}

/// The kinds of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemCode {
    /// The organization has no such row.
    NotFound,
    /// The input violates a rule.
    Invalid,
    /// The input is valid but conflicts with the current state.
    Conflict,
}

impl Problem {
    /// Creates a problem for input that breaks a rule.
    #[must_use]
    pub fn invalid(reason: Reason, field: &str, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Invalid, reason, field, message)
    }

    /// Creates a problem for input that conflicts with the current state.
    #[must_use]
    pub fn conflict(reason: Reason, field: &str, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Conflict, reason, field, message)
    }

    /// Creates a problem for an ID that does not exist in this organization.
    #[must_use]
    pub fn not_found(field: &str, called: &str) -> Self {
        let message = format!("no such {}", called.replace('_', " "));
        Self::new(ProblemCode::NotFound, Reason::RowNotFound, field, message)
    }

    fn new(code: ProblemCode, reason: Reason, field: &str, message: impl Into<String>) -> Self {
        let field = (!field.is_empty()).then(|| field.to_owned());
        Self { code, reason, field, message: message.into(), index: None, current: None }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }
}

/// The result of a service function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an internal error with a description.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into().into())
    }

    /// Advice for the operator if the configuration or the permissions of the database cause this error; otherwise
    /// `None`.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let Self::Internal(source) = self else { return None };
        let error = source.downcast_ref::<DbErr>()?;
        let (DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
        else {
            return None;
        };
        let sqlx::Error::Database(error) = &**cause else { return None };
        match error.code().as_deref() {
            // insufficient_privilege
            Some("42501") => Some(
                "the role lacks a privilege; serving requires SELECT, INSERT, UPDATE and DELETE on all tables and \
                 USAGE and SELECT on all sequences; migrating and seeding also require CREATE on the schema",
            ),
            // read_only_sql_transaction
            Some("25006") => Some(
                "the database is read-only for this role (default_transaction_read_only, or a read replica); allow \
                 writes or use the URL of the primary server",
            ),
            // transaction_timeout
            Some("25P04") => Some(
                "the database limits the duration of transactions (transaction_timeout); set it to 0 for this role",
            ),
            _ => None,
        }
    }

    /// Creates a validation error.
    #[must_use]
    pub fn invalid(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { reason, field: field.into(), message: message.into() }
    }

    /// The reason code, for programs. If there are several problems, the reason of the first one is returned.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid { reason, .. }
            | Self::RateLimited { reason, .. }
            | Self::TooComplex(reason, _)
            | Self::Conflict(reason, _) => *reason,
            Self::NotFound(_) => Reason::RowNotFound,
            Self::BadCursor { .. } => Reason::CursorInvalid,
            Self::CursorExpired => Reason::CursorExpired,
            Self::Forbidden { .. } => Reason::PermissionMissing,
            Self::OperatorOnly(_) => Reason::OperatorOnly,
            Self::Refused(problems) => {
                problems.first().map_or(Reason::InternalError, |problem| problem.reason)
            }
            Self::Unavailable(_) => Reason::DatabaseUnavailable,
            Self::Internal(_) => Reason::InternalError,
        }
    }
}

/// Converts a driver error in the same way as an error of the statement builder.
pub(crate) fn of_sqlx(error: sqlx::Error) -> Error {
    DbErr::Query(RuntimeErr::SqlxError(error.into())).into()
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(ref cause))
            | DbErr::Query(RuntimeErr::SqlxError(ref cause))
                if is_stopped(cause) =>
            {
                Self::TooComplex(
                    Reason::DatabaseTimeout,
                    "the database statement timed out; request less data at once".to_owned(),
                )
            }
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

/// Whether the database stopped the statement because the statement timeout had passed.
fn is_stopped(cause: &sqlx::Error) -> bool {
    // Postgres: query_canceled; SQLite: SQLITE_INTERRUPT.
    matches!(cause, sqlx::Error::Database(error)
        if error.code().is_some_and(|code| code == "57014" || code == "9"))
}

/// Whether the connection was closed before the statement ran, so that a retry on another connection may succeed. A
/// pool timeout is not retried, because the pool has already retried until its timeout.
pub(crate) fn is_cut(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(_) => true,
        // Connection exceptions, and shutdowns by an administrator, after a crash or because of an idle timeout.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["57P01", "57P02", "57P05"].contains(&code.as_ref())
                || (code.len() == 5 && code.starts_with("08"))
        }),
        _ => false,
    }
}

/// Whether the database is unavailable, as opposed to having rejected the statement.
fn is_lost(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        // Postgres: connection exceptions, operator intervention, insufficient resources, serialization failures and
        // deadlocks. SQLite: another process is writing (5, 261, 517) or has locked the table (6), the disk is full
        // (13), or reading or writing the disk failed (10).
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let postgres = ["08", "57", "53", "40", "55P03"];
            let sqlite = ["5", "6", "261", "517"];
            let no_room = code.len() < 5
                && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 10 | 13));
            no_room
                || sqlite.contains(&code.as_ref())
                || (code.len() == 5 && postgres.iter().any(|class| code.starts_with(class)))
        }),
        _ => false,
    }
}

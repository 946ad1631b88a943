//! The closed kinds of failure that the service reports.

use sea_orm::{DbErr, RuntimeErr};
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

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
        /// Why, for programs.
        reason: Reason,
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
    #[error("{1}")]
    TooComplex(Reason, String),
    /// The input is right by itself, but not beside what is stored.
    #[error("{1}")]
    Conflict(Reason, String),
    /// The role of the actor does not cover it.
    #[error("the role {role} does not have the permission {permission}")]
    Forbidden {
        /// The role.
        role: &'static str,
        /// What it lacks.
        permission: &'static str,
    },
    /// The field is for the operator of a server that serves several organizations.
    #[error(
        "`{0}` concerns all organizations of the server: only its operator may read it, on the server itself"
    )]
    OperatorOnly(&'static str),
    /// A write is refused, for all of these reasons; nothing has been written.
    #[error("{}", .0.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// The cursor stands before the oldest entry that the change log still has.
    #[error(
        "the change log doesn't reach back to this cursor any more: read the state anew and go on from now"
    )]
    CursorExpired,
    /// The database can't be reached, or not in time.
    #[error("the database can't answer at the moment, try again")]
    Unavailable(#[source] DbErr),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Of which kind.
    pub code: ProblemCode,
    /// Why, for programs.
    pub reason: Reason,
    /// What it is about: a column, or a path of names joined by `.`.
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
    /// Which item of a batch, counted from 0.
    pub index: Option<usize>,
    /// The row that was changed since it was read, of the entity that the mutation is about.
    #[serde(default)]
    pub current: Option<i64>,
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemCode {
    /// There is no such thing in this organization.
    NotFound,
    /// The input breaks a rule that its sender can keep.
    Invalid,
    /// The input is right by itself, but not beside what is stored.
    Conflict,
}

impl Problem {
    /// An input that breaks a rule.
    #[must_use]
    pub fn invalid(reason: Reason, field: &str, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Invalid, reason, field, message)
    }

    /// An input that can't be beside what is stored.
    #[must_use]
    pub fn conflict(reason: Reason, field: &str, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Conflict, reason, field, message)
    }

    /// An id of nothing that there is in this organization.
    #[must_use]
    pub fn not_found(field: &str, called: &str) -> Self {
        let message = format!("there is no such {}", called.replace('_', " "));
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

/// The outcome of a service function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A fault of ours, told in words.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into().into())
    }

    /// What the operator can do about a database that does not let the server do its work; nothing for other errors.
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
                "the role lacks a right: a migrated database takes SELECT, INSERT, UPDATE and DELETE on all tables and \
                 USAGE and SELECT on all sequences, migrating and seeding CREATE on the schema too",
            ),
            // read_only_sql_transaction
            Some("25006") => Some(
                "the database lets this role only read (default_transaction_read_only, or a replica): let it write, or \
                 name the primary",
            ),
            // transaction_timeout
            Some("25P04") => Some(
                "the database ends transactions after a time (transaction_timeout): set it to 0 for this role",
            ),
            _ => None,
        }
    }

    /// An input that breaks a rule.
    #[must_use]
    pub fn invalid(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { reason, field: field.into(), message: message.into() }
    }

    /// Why, for programs; of several problems the reason of the first.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid { reason, .. }
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

/// An error of the driver, as one of the statement builder.
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
                    "it took the database too long; ask for less at once".to_owned(),
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

/// Whether the database has stopped a statement because its time was over.
fn is_stopped(cause: &sqlx::Error) -> bool {
    // Postgres: query_canceled; SQLite: SQLITE_INTERRUPT.
    matches!(cause, sqlx::Error::Database(error)
        if error.code().is_some_and(|code| code == "57014" || code == "9"))
}

/// Whether the connection was cut before the statement ran, so that another may have more luck. A pool
/// that gives none has tried for long enough.
pub(crate) fn is_cut(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    match &**cause {
        sqlx::Error::Io(_) => true,
        // Shut down by an administrator, after a crash, or because nobody used it; connection exceptions.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["57P01", "57P02", "57P05"].contains(&code.as_ref())
                || (code.len() == 5 && code.starts_with("08"))
        }),
        _ => false,
    }
}

/// Whether the database went away, rather than refused.
fn is_lost(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        // Postgres: connection exceptions, an operator's intervention, too few resources, transactions in
        // each other's way. SQLite: another process writes (5, 261, 517) or holds the table (6); the
        // disk is full (13) or can't be read or written (10).
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

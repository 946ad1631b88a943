//! Authentication: the identity behind a credential, and its lookup.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::{
    actor::Actor,
    error::Result,
    policy::{Role, RowAccess},
};

/// A stored credential, by primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    ApiKey(i64),
    /// The session of a signed-in user.
    Session(i64),
}

/// Identity behind a credential.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The credential.
    pub credential: Credential,
    /// Primary key of the user.
    pub user: i64,
    /// Organization in which the user acts.
    pub organization: i64,
    /// Primary key of the membership of the user in the organization.
    pub membership: i64,
    /// Actor.
    pub actor: Actor,
    /// Role of the actor.
    pub role: Role,
    /// Which rows the actor reads and writes.
    pub rows: RowAccess,
    /// Expiry of the credential.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Looks up credentials.
pub trait Authenticator: Send + Sync {
    /// The identity behind this API key; `None` if the key is unknown, revoked or expired, or its user is suspended.
    fn holder<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Identity>>>;

    /// The identity behind the session with this token; `None` if the session is unknown, revoked or expired, or its
    /// user is suspended.
    fn session<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>>>;

    /// Whether requests without a credential act as the local user: no API key and no account with a password has ever
    /// been created.
    fn admits_local_user(&self) -> BoxFuture<'_, Result<bool>>;
}

//! Authentication by API key: the identity behind a key, and its lookup.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::{error::Result, policy::Role, scope::Actor};

/// Identity behind an API key.
#[derive(Clone, Debug)]
pub struct ApiKeyIdentity {
    /// Primary key of the API key.
    pub id: i64,
    /// Organization of the key.
    pub organization: i64,
    /// Actor.
    pub actor: Actor,
    /// Role of the actor.
    pub role: Role,
    /// Name of the API key.
    pub key: String,
    /// Expiry.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Looks up API keys.
pub trait Authenticator: Send + Sync {
    /// The identity behind this key; `None` if the key is unknown, revoked or expired, or its user is suspended.
    fn holder<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<ApiKeyIdentity>>>;
}

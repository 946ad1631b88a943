//! Authentication by API key or session.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    authentication::{Authenticator, Identity},
    clock::Clock,
    error::Result,
    store::Store,
};
use futures_util::future::BoxFuture;

use super::{
    accounts::has_no_credentials, api_key_cache::ApiKeyCache, session_cache::SessionCache,
};

/// Interval at which a server without credentials asks whether there are any.
const ASKED_EVERY: TimeDelta = TimeDelta::milliseconds(500);

/// Looks up API keys and sessions, with caches.
pub struct CredentialCache {
    keys: ApiKeyCache,
    sessions: SessionCache,
    store: Store,
    clock: Arc<dyn Clock>,
    local_user: Mutex<LocalUser>,
}

/// What is known about the local user.
#[derive(Clone, Copy)]
enum LocalUser {
    Unknown,
    /// There was no credential at this time.
    Admitted(DateTime<Utc>),
    /// There is a credential. This does not change.
    Rejected,
}

impl CredentialCache {
    /// Creates a cache of the API keys in `store`, with this cache of sessions.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, sessions: SessionCache) -> Self {
        Self {
            keys: ApiKeyCache::new(store.clone(), Arc::clone(&clock)),
            sessions,
            store,
            clock,
            local_user: Mutex::new(LocalUser::Unknown),
        }
    }
}

impl Authenticator for CredentialCache {
    fn holder<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Identity>>> {
        Box::pin(self.keys.identity(key))
    }

    fn session<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Identity>>> {
        Box::pin(self.sessions.identity(token))
    }

    fn admits_local_user(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let now = self.clock.now();
            let known = *self.local_user.lock().unwrap_or_else(PoisonError::into_inner);
            match known {
                LocalUser::Rejected => return Ok(false),
                LocalUser::Admitted(at) if now - at < ASKED_EVERY => return Ok(true),
                LocalUser::Admitted(_) | LocalUser::Unknown => {}
            }
            let is_open = match (has_no_credentials(&self.store).await, known) {
                (Ok(is_open), _) => is_open,
                // Nothing can be read while the database is unavailable, so the previous answer is safe.
                (Err(_), LocalUser::Admitted(_)) => return Ok(true),
                (Err(error), _) => return Err(error),
            };
            let found = if is_open { LocalUser::Admitted(now) } else { LocalUser::Rejected };
            *self.local_user.lock().unwrap_or_else(PoisonError::into_inner) = found;
            Ok(is_open)
        })
    }
}

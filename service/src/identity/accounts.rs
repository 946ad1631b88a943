//! The accounts of a server: what signing in needs besides the database.

use std::sync::Arc;

use engine::{
    clock::Clock,
    error::Result,
    policy::Role,
    scope::{Actor, Scope},
    store::Store,
    write::ownership::Tables,
};
use entity::identity::{api_key, user};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::{
    password::PasswordHasher, reset_requests::ResetRequests, session_cache::SessionCache,
    setup_code::SetupCode,
};

/// What signing in needs besides the database: hashes, the session cache, the setup code and the address of links.
#[derive(Clone)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hasher: PasswordHasher,
    pub(super) sessions: SessionCache,
    pub(super) setup: Arc<SetupCode>,
    pub(super) tables: Tables,
    link_base: Option<Arc<str>>,
    sends_mail: bool,
    pub(super) resets: Arc<ResetRequests>,
}

impl Accounts {
    /// Creates the accounts of a server with these tables of the product. Links begin with `link_base`, such as
    /// `https://sales.example`; without it, they are paths.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        tables: Tables,
        link_base: Option<&str>,
    ) -> Self {
        Self {
            hasher: PasswordHasher::default(),
            sessions: SessionCache::new(store.clone(), Arc::clone(&clock)),
            setup: Arc::default(),
            tables,
            link_base: link_base.map(|base| base.trim_end_matches('/').into()),
            sends_mail: false,
            resets: Arc::default(),
            store,
            clock,
        }
    }

    /// The accounts of a server that sends links by mail, instead of returning them.
    #[must_use]
    pub fn with_mail(self) -> Self {
        Self { sends_mail: true, ..self }
    }

    /// Whether the server sends links by mail.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.sends_mail
    }

    /// The session cache.
    #[must_use]
    pub fn sessions(&self) -> &SessionCache {
        &self.sessions
    }

    /// Issues the code with which the first account can be created on the page. Replaces an earlier code.
    ///
    /// # Errors
    /// [`engine::Error::Internal`] without random bytes.
    pub fn issue_setup_code(&self) -> Result<String> {
        self.setup.issue(self.clock.now())
    }

    /// A link to the sign-in page. Browsers don't send the part after `#`, so that the token is in no log.
    pub(super) fn link(&self, name: &str, token: &str) -> String {
        let base = self.link_base.as_deref().unwrap_or_default();
        format!("{base}/sign-in#{name}={token}")
    }

    /// A scope with every permission, for writes that the rules of this module allow.
    pub(super) fn scope(&self, organization: i64, actor: Actor) -> Scope {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scope::new(store, organization, actor, Role::Owner, clock)
    }
}

/// Whether the database has no API key and no account with a password, so that requests from the same machine act as the
/// local user. Keys and accounts count even if they can no longer be used: otherwise, revoking the last key would open
/// the server.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "the question is about the whole server")]
pub async fn has_no_credentials(store: &Store) -> Result<bool> {
    let keys = api_key::Entity::find().select_only().column(api_key::Column::Id).limit(1);
    if !store.tuples::<i64>(&keys).await?.is_empty() {
        return Ok(false);
    }
    has_no_account(store).await
}

/// Whether the database has no account with a password, not even an erased one.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "the question is about the whole server")]
pub async fn has_no_account(store: &Store) -> Result<bool> {
    let signs_in = Condition::any()
        .add(user::Column::PasswordHash.is_not_null())
        .add(user::Column::DeletedAt.is_not_null());
    let users = user::Entity::find().filter(signs_in);
    let users = users.select_only().column(user::Column::Id).limit(1);
    Ok(store.tuples::<i64>(&users).await?.is_empty())
}

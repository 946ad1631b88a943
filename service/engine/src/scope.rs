//! The scope of a service call: actor, organization, time and database.

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use crate::actor::Actor;
use crate::{
    authentication::{Credential, Identity},
    clock::Clock,
    error::{Error, Result},
    policy::{Permission, Role, RowAccess},
    store::{Engine, Restriction, RowScopes, Store},
};

/// The actor, the organization, the time and the database of a call. It is the first argument of every service function
/// and the only way to access tables.
#[derive(Clone)]
pub struct Scope {
    store: Store,
    organization: i64,
    actor: Actor,
    role: Role,
    clock: Arc<dyn Clock>,
    request: Option<Arc<str>>,
    client_request: Option<Arc<str>>,
    credential: Option<Credential>,
    user: Option<i64>,
    membership: Option<i64>,
    key_expires_at: Option<DateTime<Utc>>,
}

/// For whom rows are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer {
    /// The organization whose rows are visible.
    pub(crate) organization: i64,
    /// The membership whose private rows are visible; `None` for the local user and the command line.
    pub(crate) membership: Option<i64>,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope")
            .field("organization", &self.organization)
            .field("actor", &self.actor)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Scope {
    /// Creates a scope in which `actor` acts as `role` in `organization`. A restricted role has no permissions in this scope,
    /// which has no member; see [`authenticated`](Self::authenticated).
    #[must_use]
    pub fn new(
        store: Store,
        organization: i64,
        actor: Actor,
        role: Role,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            organization,
            actor,
            role,
            clock,
            request: None,
            client_request: None,
            credential: None,
            user: None,
            membership: None,
            key_expires_at: None,
        }
    }

    /// Returns the scope with the request ID of the server and the request ID that the client sent.
    #[must_use]
    pub fn for_request(self, request: &str, client_request: Option<&str>) -> Self {
        Self {
            request: Some(request.into()),
            client_request: client_request.map(Into::into),
            ..self
        }
    }

    /// Creates the scope in which an authenticated caller acts. If the caller is restricted, it reads only the rows in its
    /// row scope.
    #[must_use]
    pub fn authenticated(
        store: Store,
        identity: &Identity,
        row_scopes: &Arc<RowScopes>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let store = match identity.rows {
            RowAccess::All => store,
            RowAccess::Assigned => {
                store.restricted(Restriction::new(Arc::clone(row_scopes), identity.membership))
            }
        };
        let Identity { organization, actor, role, .. } = identity;
        let is_key = matches!(identity.credential, Credential::ApiKey(_));
        Self {
            key_expires_at: identity.expires_at.filter(|_| is_key),
            credential: Some(identity.credential),
            user: Some(identity.user),
            membership: Some(identity.membership),
            ..Self::new(store, *organization, actor.clone(), *role, clock)
        }
    }

    /// A unique identifier of the actor. Names are not unique.
    #[must_use]
    pub fn identity(&self) -> String {
        match (self.credential, self.user) {
            (Some(Credential::ApiKey(key)), _) => format!("key/{key}"),
            (Some(Credential::Session(_)), Some(user)) => format!("user/{user}"),
            _ => self.actor.label(),
        }
    }

    /// The credential that authenticated the request; `None` for the local user and the command line.
    #[must_use]
    pub fn credential(&self) -> Option<Credential> {
        self.credential
    }

    /// The primary key of the signed-in user, or of the user of the API key.
    #[must_use]
    pub fn user(&self) -> Option<i64> {
        self.user
    }

    /// The primary key of the membership of that user in the organization.
    #[must_use]
    pub fn membership(&self) -> Option<i64> {
        self.membership
    }

    /// For whom rows are read.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer { organization: self.organization, membership: self.membership }
    }

    /// The expiry of the API key that authenticated the request.
    #[must_use]
    pub fn key_expires_at(&self) -> Option<DateTime<Utc>> {
        self.key_expires_at
    }

    /// Returns the scope in which the actor has another role, for writes that the service allows regardless of the role.
    #[must_use]
    pub fn in_role(&self, role: Role) -> Self {
        Self { role, ..self.clone() }
    }

    /// Returns the scope with another actor.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The request ID, if there is one.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// The request ID that the client sent, if any.
    #[must_use]
    pub fn client_request(&self) -> Option<&str> {
        self.client_request.as_deref()
    }

    /// The ID of the organization whose rows are visible.
    #[must_use]
    pub fn organization(&self) -> i64 {
        self.organization
    }

    /// The actor.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The role of the actor.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Checks that the role of the actor has the permission.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`].
    pub fn demand(&self, permission: Permission) -> Result<()> {
        if self.role.rows() == RowAccess::Assigned && !self.is_restricted() {
            let (role, permission) = (self.role.name(), permission.name());
            return Err(Error::Forbidden { role, permission });
        }
        self.role.demand(permission)
    }

    /// Which rows the caller reads and writes.
    #[must_use]
    pub fn row_access(&self) -> RowAccess {
        if self.is_restricted() { RowAccess::Assigned } else { RowAccess::All }
    }

    /// Whether the caller reads and writes only the rows in its row scope.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.restriction().is_some()
    }

    /// The restriction of the caller to its row scope.
    pub(crate) fn restriction(&self) -> Option<&Restriction> {
        self.store.restriction.as_deref()
    }

    /// The current time of the server.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns a scope that reads from a snapshot of the current database state; later writes are not visible. The
    /// scope should not be held for long.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond or too many snapshots are open.
    pub async fn at_one_moment(&self) -> Result<Self> {
        Ok(Self { store: self.store.snapshot().await?, ..self.clone() })
    }

    /// The database engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.store.engine()
    }

    /// The database. Only the code of the service may use it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

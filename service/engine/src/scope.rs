//! The scope of a service call: actor, organization, time and database.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    clock::Clock,
    error::Result,
    policy::{Permission, Role},
    store::{Engine, Store},
};

/// The actor of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The local user of a server that listens on a loopback address.
    LocalUser,
    /// The command line.
    CommandLine,
    /// A person, identified by name.
    Person(String),
    /// A program that writes research and drafts, identified by name.
    Worker(String),
}

impl Actor {
    /// The kind of the actor, as stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LocalUser => "visitor",
            Self::CommandLine => "command_line",
            Self::Person(_) => "person",
            Self::Worker(_) => "worker",
        }
    }

    /// The name of the actor, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::LocalUser | Self::CommandLine => None,
            Self::Person(name) | Self::Worker(name) => Some(name),
        }
    }

    /// The kind and the name combined: `worker/research`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.name() {
            Some(name) => format!("{}/{name}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// Parses a [`label`](Self::label).
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        match label.split_once('/') {
            Some(("person", name)) => Some(Self::Person(name.to_owned())),
            Some(("worker", name)) => Some(Self::Worker(name.to_owned())),
            None if label == Self::LocalUser.kind() => Some(Self::LocalUser),
            None if label == Self::CommandLine.kind() => Some(Self::CommandLine),
            _ => None,
        }
    }

    /// Whether the actor can approve drafts. The local user and the command line can't, because they have no name.
    #[must_use]
    pub fn may_approve(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Worker(_))
    }

    /// Whether the actor is a worker.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }
}

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
    key: Option<i64>,
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
    /// Creates a scope in which `actor` acts as `role` in `organization`.
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
            key: None,
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

    /// Returns the scope with the API key that authenticated the request.
    #[must_use]
    pub fn by_key(self, key: i64) -> Self {
        Self { key: Some(key), ..self }
    }

    /// A unique identifier of the actor. Names are not unique.
    #[must_use]
    pub fn identity(&self) -> String {
        self.key.map_or_else(|| self.actor.label(), |key| format!("key/{key}"))
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
        self.role.demand(permission)
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

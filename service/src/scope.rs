//! Who is acting, where, and with what.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    clock::Clock,
    error::Result,
    identity::policy::{Permission, Role},
    store::{Engine, Store},
};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The visitor of a server that listens on the machine's own address.
    LocalVisitor,
    /// The command line.
    CommandLine,
    /// A person, by name.
    Person(String),
    /// A program that writes research and drafts, by name.
    Worker(String),
}

impl Actor {
    /// Of which kind, as stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LocalVisitor => "visitor",
            Self::CommandLine => "command_line",
            Self::Person(_) => "person",
            Self::Worker(_) => "worker",
        }
    }

    /// By which name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::LocalVisitor | Self::CommandLine => None,
            Self::Person(name) | Self::Worker(name) => Some(name),
        }
    }

    /// Kind and name in one: `worker/research`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.name() {
            Some(name) => format!("{}/{name}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// The actor with this [`label`](Self::label).
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        match label.split_once('/') {
            Some(("person", name)) => Some(Self::Person(name.to_owned())),
            Some(("worker", name)) => Some(Self::Worker(name.to_owned())),
            None if label == Self::LocalVisitor.kind() => Some(Self::LocalVisitor),
            None if label == Self::CommandLine.kind() => Some(Self::CommandLine),
            _ => None,
        }
    }

    /// Whether it can answer for an approval: a visitor and the command line have no name.
    #[must_use]
    pub fn may_approve(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Worker(_))
    }

    /// Whether it is a program that writes.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }
}

/// Who is acting, for which organization, at what time and on which database: the first argument
/// of every service function, and the only way to a table.
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
    /// `actor` acts as `role` in `organization`.
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

    /// The same, for the request with this id, and the one that its client gave it.
    #[must_use]
    pub fn for_request(self, request: &str, client_request: Option<&str>) -> Self {
        Self {
            request: Some(request.into()),
            client_request: client_request.map(Into::into),
            ..self
        }
    }

    /// The same, by the key that was shown.
    #[must_use]
    pub fn by_key(self, key: i64) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Who acts, in a form that no two actors share: names may.
    #[must_use]
    pub fn identity(&self) -> String {
        self.key.map_or_else(|| self.actor.label(), |key| format!("key/{key}"))
    }

    /// The same, acting as `actor`.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// What names the request, if anything does.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// The id that the client gave its request, if it gave one.
    #[must_use]
    pub fn client_request(&self) -> Option<&str> {
        self.client_request.as_deref()
    }

    /// The key of the organization whose rows are seen.
    #[must_use]
    pub fn organization(&self) -> i64 {
        self.organization
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the actor may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Refuses what the role does not cover.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`].
    pub fn demand(&self, permission: Permission) -> Result<()> {
        self.role.demand(permission)
    }

    /// The server's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The same, seeing the database as it is at this moment and reading nothing that is written later. It
    /// should not be kept for long.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database doesn't answer, or there are too many of these.
    pub async fn at_one_moment(&self) -> Result<Self> {
        Ok(Self { store: self.store.snapshot().await?, ..self.clone() })
    }

    /// The engine behind the database.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.store.engine()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

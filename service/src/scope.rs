//! Who is acting, where, and with what.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{clock::Clock, store::Store};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The visitor of a server that listens on the machine's own address.
    LocalVisitor,
    /// The command line.
    CommandLine,
}

/// What the actor may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything in the organization.
    Owner,
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
        Self { store, organization, actor, role, clock }
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

    /// The server's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

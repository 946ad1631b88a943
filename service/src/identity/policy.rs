//! Roles, and what each may do: the one table of permissions.

use crate::error::{Error, Result};

/// What an actor is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Answers for the organization.
    Owner,
    /// Runs it day by day.
    Admin,
    /// Sells: reads and writes.
    Member,
    /// Asks questions, and changes nothing.
    Analyst,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// To read everything in the organization, and to follow its changes.
    Read,
    /// To write: to make, change, delete, approve, log.
    Write,
    /// To hand out or erase for good all that is known about a person.
    ManagePersonalData,
    /// To see how the database is doing.
    ViewStatistics,
    /// To give keys out, and to take them back.
    ManageApiKeys,
}

/// The table: who may do what.
const POLICY: &[(Permission, &[Role])] = &[
    (Permission::Read, &[Role::Owner, Role::Admin, Role::Member, Role::Analyst]),
    (Permission::Write, &[Role::Owner, Role::Admin, Role::Member]),
    (Permission::ManagePersonalData, &[Role::Owner, Role::Admin]),
    (Permission::ViewStatistics, &[Role::Owner, Role::Admin]),
    (Permission::ManageApiKeys, &[Role::Owner]),
];

impl Role {
    const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Analyst];

    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Analyst => "analyst",
        }
    }

    /// The role that is stored as `name`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Of two roles the one that may less.
    #[must_use]
    pub fn weaker(self, other: Self) -> Self {
        if self.permissions().count() <= other.permissions().count() { self } else { other }
    }

    /// Whether the role covers it.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        POLICY.iter().any(|(known, roles)| *known == permission && roles.contains(&self))
    }

    /// Refuses what the role does not cover.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn demand(self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(Error::Forbidden { role: self.name(), permission: permission.name() })
        }
    }

    /// What the role covers.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        POLICY.iter().map(|(permission, _)| *permission).filter(move |one| self.may(*one))
    }
}

impl Permission {
    /// As told to users.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ManagePersonalData => "MANAGE_PERSONAL_DATA",
            Self::ViewStatistics => "VIEW_STATISTICS",
            Self::ManageApiKeys => "MANAGE_API_KEYS",
        }
    }
}

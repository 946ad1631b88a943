//! Roles and their permissions, in a single table.

use crate::error::{Error, Result};

/// Role of an actor in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Full access, including responsibility for the organization.
    Owner,
    /// Administers the organization.
    Admin,
    /// Sales representative: reads and writes.
    Member,
    /// Read-only access.
    Analyst,
}

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read everything in the organization, and subscribe to its changes.
    Read,
    /// Write: create, update, delete, approve, log.
    Write,
    /// Export or erase all personal data of a prospect.
    ManagePersonalData,
    /// View database statistics.
    ViewStatistics,
    /// Issue and revoke API keys.
    ManageApiKeys,
    /// Invite, suspend and remove members of the organization, and change their roles.
    ManageMembers,
}

/// Permissions and the roles that have them.
const POLICY: &[(Permission, &[Role])] = &[
    (Permission::Read, &[Role::Owner, Role::Admin, Role::Member, Role::Analyst]),
    (Permission::Write, &[Role::Owner, Role::Admin, Role::Member]),
    (Permission::ManagePersonalData, &[Role::Owner, Role::Admin]),
    (Permission::ViewStatistics, &[Role::Owner, Role::Admin]),
    (Permission::ManageApiKeys, &[Role::Owner]),
    (Permission::ManageMembers, &[Role::Owner, Role::Admin]),
];

impl Role {
    const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Analyst];

    /// Stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Analyst => "analyst",
        }
    }

    /// The role with this stored name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The weaker of two roles.
    #[must_use]
    pub fn weaker(self, other: Self) -> Self {
        if self.permissions().count() <= other.permissions().count() { self } else { other }
    }

    /// Whether the role has the permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        POLICY.iter().any(|(known, roles)| *known == permission && roles.contains(&self))
    }

    /// Rejects a role without the permission.
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

    /// The permissions of the role.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        POLICY.iter().map(|(permission, _)| *permission).filter(move |one| self.may(*one))
    }
}

impl Permission {
    /// Display name of the role, used in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ManagePersonalData => "MANAGE_PERSONAL_DATA",
            Self::ViewStatistics => "VIEW_STATISTICS",
            Self::ManageApiKeys => "MANAGE_API_KEYS",
            Self::ManageMembers => "MANAGE_MEMBERS",
        }
    }
}

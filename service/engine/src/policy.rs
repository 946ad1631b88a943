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
    /// Reads and writes only the prospects that the member owns or that are assigned to a team of the member, and what belongs
    /// to them.
    Restricted,
}

/// Which rows an actor reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowAccess {
    /// The prospects that the member owns or that are assigned to a team of the member, and what belongs to them.
    Assigned,
    /// All rows of the organization.
    All,
}

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read everything in the organization, and subscribe to its changes.
    Read,
    /// Write prospects and what belongs to them: create, update, delete, approve, log.
    Write,
    /// Write what belongs to no prospect, and many rows at once: companies, industries, solutions, events, templates,
    /// imports, enrichment, assignments, merges.
    WriteAll,
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
    (Permission::Read, &Role::ALL),
    (Permission::Write, &[Role::Owner, Role::Admin, Role::Member, Role::Restricted]),
    (Permission::WriteAll, &[Role::Owner, Role::Admin, Role::Member]),
    (Permission::ManagePersonalData, &[Role::Owner, Role::Admin]),
    (Permission::ViewStatistics, &[Role::Owner, Role::Admin]),
    (Permission::ManageApiKeys, &[Role::Owner]),
    (Permission::ManageMembers, &[Role::Owner, Role::Admin]),
];

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Member, Self::Analyst, Self::Restricted];

    /// Stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Analyst => "analyst",
            Self::Restricted => "restricted",
        }
    }

    /// The role with this stored name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Which rows the role reads and writes.
    #[must_use]
    pub fn rows(self) -> RowAccess {
        if self == Self::Restricted { RowAccess::Assigned } else { RowAccess::All }
    }

    /// What is allowed to both roles: the role with their common permissions, and the common rows. The permissions of one of
    /// two roles always include those of the other one.
    #[must_use]
    pub fn intersection(self, other: Self) -> (Self, RowAccess) {
        let fewer =
            if self.permissions().count() <= other.permissions().count() { self } else { other };
        (fewer, self.rows().min(other.rows()))
    }

    /// Whether the role allows nothing that `other` does not allow.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.intersection(other) == (self, self.rows())
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
            Self::WriteAll => "WRITE_ALL",
            Self::ManagePersonalData => "MANAGE_PERSONAL_DATA",
            Self::ViewStatistics => "VIEW_STATISTICS",
            Self::ManageApiKeys => "MANAGE_API_KEYS",
            Self::ManageMembers => "MANAGE_MEMBERS",
        }
    }
}

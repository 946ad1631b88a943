//! The `viewer` field.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use engine::Scope;
use service::identity::organization;

use crate::governance::change::ActorKind;
use graph::{
    error::{Error, Result},
    scalar::EnumValueOf,
};

/// The viewer: the authenticated actor, with organization, role and permissions.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// Kind of the actor.
    pub actor_kind: Option<EnumValueOf<ActorKind>>,
    /// Name; null if there is none.
    pub actor_name: Option<String>,
    /// Role in the organization.
    pub role: Role,
    /// Permissions of the role.
    pub permissions: Vec<Permission>,
    /// Database engine: `SQLite` or `Postgres`.
    pub engine: &'static str,
}

/// Organization.
#[derive(SimpleObject)]
pub struct ViewerOrganization {
    /// Name.
    pub name: String,
    /// Short name, for the command line.
    pub slug: String,
}

#[ComplexObject]
impl Viewer {
    /// Organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<ViewerOrganization> {
        let scope = ctx.data_unchecked::<Scope>();
        let (name, slug) = organization::named(scope).await.map_err(Error::from)?;
        Ok(ViewerOrganization { name, slug })
    }
}

/// Role of an actor in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "engine::Role")]
pub enum Role {
    /// Every permission in the organization.
    Owner,
    /// Reads, writes, exports and erases personal data.
    Admin,
    /// Reads and writes.
    Member,
    /// Reads only.
    Analyst,
}

/// Permission of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "engine::Permission")]
pub enum Permission {
    /// Read all rows of the organization and subscribe to changes.
    Read,
    /// Create, update and delete rows, and run actions.
    Write,
    /// Export or erase personal data.
    ManagePersonalData,
    /// Read statistics of the server and its database.
    ViewStatistics,
    /// Create and revoke API keys.
    ManageApiKeys,
}

impl Viewer {
    /// The viewer for `scope`.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        let actor = scope.actor();
        Self {
            actor_kind: EnumValueOf::stored(actor.kind()),
            actor_name: actor.name().map(str::to_owned),
            role: scope.role().into(),
            permissions: scope.role().permissions().map(Permission::from).collect(),
            engine: scope.engine().name(),
        }
    }
}

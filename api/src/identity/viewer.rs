//! The `viewer` field.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use engine::Scope;
use service::identity::{
    organization, preference, session, sign_in,
    user::{self, ProfileOf},
};

use super::{
    actor_kind::ActorKind,
    membership::{Membership, Role, UserProfile},
    profile::ViewerPreferences,
    sessions::UserSession,
};
use graph::{
    Row,
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
    pub role: EnumValueOf<Role>,
    /// Permissions of the role.
    pub permissions: Vec<Permission>,
    /// Which rows the caller reads and writes.
    pub row_access: RowAccess,
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

/// An organization of which the user is an active member.
#[derive(SimpleObject)]
pub struct OwnOrganization {
    /// Name.
    pub name: String,
    /// Short name.
    pub slug: String,
    /// Role of the user in the organization.
    pub role: Option<EnumValueOf<Role>>,
    /// Whether this request acts in the organization.
    pub is_current: bool,
}

impl From<sign_in::OwnOrganization> for OwnOrganization {
    fn from(own: sign_in::OwnOrganization) -> Self {
        let sign_in::OwnOrganization { name, slug, role, is_current } = own;
        Self { name, slug, role: EnumValueOf::stored(&role), is_current }
    }
}

#[ComplexObject]
impl Viewer {
    /// Organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<ViewerOrganization> {
        let scope = ctx.data_unchecked::<Scope>();
        let (name, slug) = organization::named(scope).await.map_err(Error::from)?;
        Ok(ViewerOrganization { name, slug })
    }

    /// Profile of the signed-in user, or of the user who is responsible for the API key; null for the local user.
    async fn profile(&self, ctx: &Context<'_>) -> Result<Option<UserProfile>> {
        let scope = ctx.data_unchecked::<Scope>();
        let Some(user) = scope.user() else { return Ok(None) };
        let profiles = user::profiles(scope, &[ProfileOf { user, is_invited: false }])
            .await
            .map_err(Error::from)?;
        Ok(profiles.into_iter().next().map(UserProfile::from))
    }

    /// Membership of the user in the organization; null for the local user.
    async fn membership(&self, ctx: &Context<'_>) -> Option<Row<Membership>> {
        ctx.data_unchecked::<Scope>().membership().map(Row::of)
    }

    /// Organizations of which the user is an active member. The session acts in one of them; `POST /sign-in/organization`
    /// chooses another.
    async fn organizations(&self, ctx: &Context<'_>) -> Result<Vec<OwnOrganization>> {
        let scope = ctx.data_unchecked::<Scope>();
        let own = sign_in::own_organizations(scope).await.map_err(Error::from)?;
        Ok(own.into_iter().map(OwnOrganization::from).collect())
    }

    /// Preferences of the user; null for the local user.
    async fn preferences(&self, ctx: &Context<'_>) -> Result<Option<ViewerPreferences>> {
        let scope = ctx.data_unchecked::<Scope>();
        let own = preference::of_viewer(scope).await.map_err(Error::from)?;
        Ok(own.map(ViewerPreferences::from))
    }

    /// Current sessions of the user, newest first.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<UserSession>> {
        let scope = ctx.data_unchecked::<Scope>();
        let sessions = session::list(scope).await.map_err(Error::from)?;
        Ok(sessions.into_iter().map(UserSession::from).collect())
    }
}

/// Permission of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "engine::Permission")]
pub enum Permission {
    /// Read rows of the organization and subscribe to changes; see `rowAccess`.
    Read,
    /// Create, update and delete prospects and what belongs to them, and run actions on them.
    Write,
    /// Write what belongs to no prospect, and many rows at once: companies, industries, solutions, events, templates,
    /// imports, enrichment, assignments and merges.
    WriteAll,
    /// Export or erase personal data.
    ManagePersonalData,
    /// Read statistics of the server and its database.
    ViewStatistics,
    /// Create and revoke API keys.
    ManageApiKeys,
    /// Invite, suspend and remove members, and change their roles.
    ManageMembers,
}

/// Which rows a caller reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "engine::policy::RowAccess")]
pub enum RowAccess {
    /// Only the prospects that the member owns or that are assigned to a team of the member, and what belongs to them.
    /// Other rows behave as if they did not exist.
    Assigned,
    /// All rows of the organization.
    All,
}

impl Viewer {
    /// The viewer for `scope`.
    #[must_use]
    pub fn of(scope: &Scope) -> Option<Self> {
        let actor = scope.actor();
        let role = EnumValueOf::stored(scope.role().name())?;
        Some(Self {
            actor_kind: EnumValueOf::stored(actor.kind()),
            actor_name: actor.name().map(str::to_owned),
            role,
            permissions: scope.role().permissions().map(Permission::from).collect(),
            row_access: scope.row_access().into(),
            engine: scope.engine().name(),
        })
    }
}

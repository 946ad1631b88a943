//! Who asks.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use service::{Scope, identity::organization};

use crate::{error::Error, governance::change::ActorKind, graph::scalar::WordOf};

/// Who asks, for which organization, and what they may do.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// What kind of actor it is.
    pub actor_kind: Option<WordOf<ActorKind>>,
    /// Under which name they act, if they have one.
    pub actor_name: Option<String>,
    /// What they are in the organization.
    pub role: Role,
    /// What the role covers.
    pub permissions: Vec<Permission>,
    /// The engine behind the server: `SQLite` or `Postgres`.
    pub engine: &'static str,
}

/// The organization whose rows are seen.
#[derive(SimpleObject)]
pub struct ViewerOrganization {
    /// What it is called.
    pub name: String,
    /// By which it is named on the command line.
    pub slug: String,
}

#[ComplexObject]
impl Viewer {
    /// The organization whose rows are seen.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<ViewerOrganization> {
        let scope = ctx.data_unchecked::<Scope>();
        let (name, slug) = organization::named(scope).await.map_err(Error::from)?;
        Ok(ViewerOrganization { name, slug })
    }
}

/// What an actor can be in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::Role")]
pub enum Role {
    /// Answers for the organization: may do everything in it.
    Owner,
    /// Runs it: reads, writes, hands out and erases what is known about a person.
    Admin,
    /// Sells: reads and writes.
    Member,
    /// Asks questions: reads only.
    Analyst,
}

/// What a role can cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::Permission")]
pub enum Permission {
    /// To read everything in the organization, and to follow its changes.
    Read,
    /// To write: to make, change, delete, approve, log.
    Write,
    /// To hand out or erase for good all that is known about a person.
    Privacy,
    /// To see how the server and its database are doing.
    Operate,
    /// To give keys out, and to take them back.
    Admit,
}

impl Viewer {
    /// The one who acts in `scope`.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        let actor = scope.actor();
        Self {
            actor_kind: WordOf::stored(actor.kind()),
            actor_name: actor.name().map(str::to_owned),
            role: scope.role().into(),
            permissions: scope.role().permissions().map(Permission::from).collect(),
            engine: scope.engine().name(),
        }
    }
}

//! Management of members in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    Row,
    action::{act, key},
    error::Result,
    payload,
    payload::{UserError, row_to_read},
    scalar::EnumValueOf,
};
use salesgraph_macros::permissions;
use service::identity::{
    accounts::Accounts,
    members::{LinkedMember, NewMember},
};

use super::membership::{Membership, Role};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberActions;

/// Input of `inviteMember`.
#[derive(InputObject)]
pub struct InviteMemberInput {
    /// E-mail address.
    pub email: String,
    /// Name; the invited person can change it.
    pub name: Option<String>,
    /// Role. Only owners invite owners.
    pub role: EnumValueOf<Role>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of actions on a member.
#[derive(InputObject)]
pub struct MemberActionInput {
    /// The membership.
    pub id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `removeMember`.
#[derive(InputObject)]
pub struct RemoveMemberInput {
    /// The membership.
    pub id: ID,
    /// Membership of the member who takes over the prospects. Null: they have no owner afterwards.
    pub successor_id: Option<ID>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `changeMemberRole`.
#[derive(InputObject)]
pub struct ChangeMemberRoleInput {
    /// The membership.
    pub id: ID,
    /// New role. Only owners change roles from and to `OWNER`.
    pub role: EnumValueOf<Role>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `suspendMember`.
#[derive(InputObject)]
pub struct SuspendMemberInput {
    /// The membership.
    pub id: ID,
    /// Reason, which all members of the organization can read. Maximum: 1,000 characters.
    pub reason: Option<String>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

payload!(
    /// Payload of actions on a member.
    MemberActionPayload,
    /// The membership; null after errors.
    membership: Membership
);

/// Payload with a link for a member.
#[derive(SimpleObject)]
pub struct MemberLinkPayload {
    /// The membership; null after errors.
    pub membership: Option<Row<Membership>>,
    /// Link to the sign-in page, for the member only, who can use it like a password. It is valid once, and is
    /// returned once; null after errors, in repeated requests, and if it is sent by mail.
    pub link: Option<String>,
    /// Whether the server sends the link to the member by mail; false after errors and in repeated requests.
    pub is_mailed: bool,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

impl From<(Option<LinkedMember>, Vec<UserError>)> for MemberLinkPayload {
    fn from((linked, user_errors): (Option<LinkedMember>, Vec<UserError>)) -> Self {
        let is_mailed = linked.as_ref().is_some_and(|linked| linked.is_mailed);
        let (key, link) = linked.map(|linked| (linked.membership, linked.link)).unzip();
        let key = row_to_read(key, &user_errors);
        Self { membership: key.map(Row::of), link: link.flatten(), is_mailed, user_errors }
    }
}

#[permissions]
#[Object]
impl MemberActions {
    /// Invites a person to the organization. A link to the sign-in page, which is valid for seven days, is sent by mail or, if the
    /// server sends no mail, in the payload. A repeated invitation invalidates the earlier link.
    #[permission(ManageMembers)]
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: InviteMemberInput,
    ) -> Result<MemberLinkPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            let new = NewMember { email: input.email, name: input.name, role: role(&input.role) };
            accounts.invite(scope, new, once).await
        });
        Ok(done.await?.into())
    }

    /// Creates a new link for a member: an invitation for an invited one, which is valid for seven days, or a password reset
    /// for an active one, which is valid for one hour. Earlier links become invalid.
    #[permission(ManageMembers)]
    async fn create_member_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MemberActionInput,
    ) -> Result<MemberLinkPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            accounts.new_link(scope, key::<Membership>(&input.id, "id")?, once).await
        });
        Ok(done.await?.into())
    }

    /// Changes the role of a member. It takes effect on open sessions within a second.
    #[permission(ManageMembers)]
    async fn change_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: ChangeMemberRoleInput,
    ) -> Result<MemberActionPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            let id = key::<Membership>(&input.id, "id")?;
            accounts.change_role(scope, id, role(&input.role), once).await
        });
        Ok(done.await?.into())
    }

    /// Suspends an active member: sessions end within a second, and API keys are rejected until the member is reinstated.
    #[permission(ManageMembers)]
    async fn suspend_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: SuspendMemberInput,
    ) -> Result<MemberActionPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            let id = key::<Membership>(&input.id, "id")?;
            accounts.suspend(scope, id, input.reason, once).await
        });
        Ok(done.await?.into())
    }

    /// Reinstates a suspended member.
    #[permission(ManageMembers)]
    async fn reinstate_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: MemberActionInput,
    ) -> Result<MemberActionPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            accounts.reinstate(scope, key::<Membership>(&input.id, "id")?, once).await
        });
        Ok(done.await?.into())
    }

    /// Removes a member, or withdraws an invitation: sessions end within a second, and API keys are revoked, the member
    /// leaves all teams, and the successor takes over the prospects. The history of the actions of the user is kept.
    #[permission(ManageMembers)]
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RemoveMemberInput,
    ) -> Result<MemberActionPayload> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let done = act(ctx, |scope, once| async move {
            let member = key::<Membership>(&input.id, "id")?;
            let successor = input.successor_id.as_ref();
            let successor = successor.map(|id| key::<Membership>(id, "successor_id"));
            accounts.remove(scope, member, successor.transpose()?, once).await
        });
        Ok(done.await?.into())
    }
}

/// The role with this enum value.
pub(super) fn role(value: &EnumValueOf<Role>) -> engine::Role {
    engine::Role::of(value.name()).unwrap_or(engine::Role::Analyst)
}

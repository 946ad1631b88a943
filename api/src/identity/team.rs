//! Sales teams in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use graph::{
    Many, Row,
    action::{act, key},
    error::Result,
    payload::UserError,
};
use salesgraph_macros::{Entity, permissions};
use service::identity::team::{rules, set_member, table};

use super::membership::Membership;

/// A sales team. Prospects are assigned to it with `assignProspectsToTeam`.
#[derive(Entity)]
#[entity(table = table, plural = "teams", read = Read, writes = rules, write = ManageMembers)]
pub struct Team {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Description. Maximum: 10,000 characters.
    pub description: Option<String>,
    /// URL of a picture.
    pub avatar_url: Option<String>,
    /// Code of the project that the team works for. Maximum: 100 characters.
    pub project_code: Option<String>,
    /// Members of the team.
    #[entity(pairs("team_members", "team_id", "membership_id"))]
    pub members: Many<Membership>,
}

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct TeamActions;

/// Input of `addTeamMember` and `removeTeamMember`.
#[derive(InputObject)]
pub struct TeamMemberInput {
    /// The team.
    pub team_id: ID,
    /// Membership of the member.
    pub membership_id: ID,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `addTeamMember` and `removeTeamMember`.
#[derive(SimpleObject)]
pub struct TeamMemberPayload {
    /// The team; null after errors.
    pub team: Option<Row<Team>>,
    /// The membership; null after errors.
    pub membership: Option<Row<Membership>>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl TeamActions {
    /// Adds a member to a team; does nothing if the team already has the member.
    #[permission(ManageMembers)]
    async fn add_team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: TeamMemberInput,
    ) -> Result<TeamMemberPayload> {
        change(ctx, input, true).await
    }

    /// Removes a member from a team; does nothing if the team does not have the member.
    #[permission(ManageMembers)]
    async fn remove_team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: TeamMemberInput,
    ) -> Result<TeamMemberPayload> {
        change(ctx, input, false).await
    }
}

async fn change(
    ctx: &Context<'_>,
    input: TeamMemberInput,
    is_member: bool,
) -> Result<TeamMemberPayload> {
    let done = act(ctx, |scope, once| async move {
        let team = key::<Team>(&input.team_id, "team_id")?;
        let member = key::<Membership>(&input.membership_id, "membership_id")?;
        set_member(scope, team, member, is_member, once).await
    });
    let (done, user_errors) = done.await?;
    Ok(TeamMemberPayload {
        team: done.map(|(team, _)| Row::of(team)),
        membership: done.map(|(_, member)| Row::of(member)),
        user_errors,
    })
}

//! Assignment of prospects to members and teams in GraphQL.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use engine::{Problem, Reason};
use graph::{
    Declared, Rows,
    action::{act, act_on_many, key},
    error::Result,
    payload::UserError,
    scalar::EnumValueOf,
    write_types::OnErrorChoice,
};
use salesgraph_macros::permissions;
use service::crm::assignment::{self, Assignee, AssignmentItem};

use super::prospect::Prospect;
use crate::identity::{membership::Membership, team::Team};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Assignments;

/// A prospect in `assignProspects` and `assignProspectsToTeam`.
#[derive(InputObject)]
pub struct AssignProspectItem {
    /// The prospect.
    pub id: ID,
    /// Expected `revision`: the item is rejected with `REVISION_CONFLICT` if the row has changed since.
    pub expected_revision: Option<i32>,
}

/// Distribution of prospects among active members whose role can write. The member who has waited longest for an
/// assignment gets the next prospect.
#[derive(InputObject)]
pub struct RoundRobinInput {
    /// Only members of this team. Default: all members of the organization.
    pub team_id: Option<ID>,
    /// Only these members. Excludes `teamId`.
    pub member_ids: Option<Vec<ID>>,
}

/// Input of `assignProspects`: either `ownerId` or `roundRobin` is required.
#[derive(InputObject)]
pub struct AssignProspectsInput {
    /// The prospects. Maximum: 100.
    pub prospects: Vec<AssignProspectItem>,
    /// Membership of the new owner. Null: the prospects have no owner afterwards.
    pub owner_id: MaybeUndefined<ID>,
    /// Distributes the prospects instead. Excludes `ownerId`.
    pub round_robin: Option<RoundRobinInput>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Input of `assignProspectsToTeam`.
#[derive(InputObject)]
pub struct AssignProspectsToTeamInput {
    /// The prospects. Maximum: 100.
    pub prospects: Vec<AssignProspectItem>,
    /// The team, which is required. Null: the prospects have no team afterwards.
    pub team_id: MaybeUndefined<ID>,
    /// Handling of rejected items. Default: `REJECT_ALL`.
    pub on_error: Option<EnumValueOf<OnErrorChoice>>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `assignProspects` and `assignProspectsToTeam`.
#[derive(SimpleObject)]
pub struct AssignProspectsPayload {
    /// The prospects, in the order of the input; null where rejected. Null if nothing was written.
    pub prospects: Option<Rows<Prospect>>,
    /// Errors of the input, each with the index of its item; empty on success.
    pub user_errors: Vec<UserError>,
}

/// Input of `transferProspects`.
#[derive(InputObject)]
pub struct TransferProspectsInput {
    /// Membership of the member whose prospects are transferred.
    pub from_id: ID,
    /// Membership of the new owner, which is required. Null: the prospects have no owner afterwards.
    pub to_id: MaybeUndefined<ID>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `transferProspects`.
#[derive(SimpleObject)]
pub struct TransferProspectsPayload {
    /// Number of transferred prospects; null after errors.
    pub transferred_prospects: Option<i32>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl Assignments {
    /// Assigns prospects to a member, to several members in turn, or to none. The new owners are notified, except the caller.
    #[permission(WriteAll)]
    async fn assign_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: AssignProspectsInput,
    ) -> Result<AssignProspectsPayload> {
        let (owner, round_robin) = (input.owner_id, input.round_robin);
        let done = act_on_many(
            ctx,
            "prospects",
            items(&input.prospects),
            input.on_error,
            |scope, items, on_error, once| async move {
                let assignee = assignee(&owner, round_robin.as_ref())?;
                assignment::assign(scope, items, assignee, on_error, once).await
            },
        );
        let (prospects, user_errors) = done.await?;
        Ok(AssignProspectsPayload { prospects, user_errors })
    }

    /// Assigns prospects to a team, or to none. Their owners are unchanged.
    #[permission(WriteAll)]
    async fn assign_prospects_to_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: AssignProspectsToTeamInput,
    ) -> Result<AssignProspectsPayload> {
        let team = input.team_id;
        let done = act_on_many(
            ctx,
            "prospects",
            items(&input.prospects),
            input.on_error,
            |scope, items, on_error, once| async move {
                let team = given::<Team>(&team, "team_id")?;
                assignment::assign_to_team(scope, items, team, on_error, once).await
            },
        );
        let (prospects, user_errors) = done.await?;
        Ok(AssignProspectsPayload { prospects, user_errors })
    }

    /// Transfers all prospects of a member to another member, or leaves them without an owner. `removeMember` does the same
    /// when a member leaves.
    #[permission(ManageMembers)]
    async fn transfer_prospects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: TransferProspectsInput,
    ) -> Result<TransferProspectsPayload> {
        let done = act(ctx, |scope, once| async move {
            let from = key::<Membership>(&input.from_id, "from_id")?;
            let to = given::<Membership>(&input.to_id, "to_id")?;
            assignment::transfer(scope, from, to, once).await
        });
        let (prospects, user_errors) = done.await?;
        let transferred_prospects = prospects.and_then(|count| count.try_into().ok());
        Ok(TransferProspectsPayload { transferred_prospects, user_errors })
    }
}

fn items(input: &[AssignProspectItem]) -> Vec<AssignmentItem> {
    let item = |one: &AssignProspectItem| AssignmentItem {
        prospect: key::<Prospect>(&one.id, "id").ok(),
        expected_revision: one.expected_revision.map(Into::into),
    };
    input.iter().map(item).collect()
}

/// The primary key in an input that is null or given. Omitting it by mistake must not remove a value.
fn given<E: Declared>(id: &MaybeUndefined<ID>, field: &str) -> engine::Result<Option<i64>> {
    match id {
        MaybeUndefined::Undefined => {
            let message = "is required; null removes the value";
            Err(Problem::invalid(Reason::ValueRequired, field, message).into())
        }
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Value(id) => Ok(Some(key::<E>(id, field)?)),
    }
}

fn assignee(
    owner: &MaybeUndefined<ID>,
    round_robin: Option<&RoundRobinInput>,
) -> engine::Result<Assignee> {
    match (owner, round_robin) {
        (MaybeUndefined::Value(_), Some(_)) => {
            let message = "`ownerId` and `roundRobin` exclude each other";
            Err(Problem::invalid(Reason::ArgumentsExclusive, "owner_id", message).into())
        }
        (MaybeUndefined::Undefined, None) => {
            let message =
                "`ownerId` or `roundRobin` is required; `ownerId: null` removes the owner";
            Err(Problem::invalid(Reason::ValueRequired, "owner_id", message).into())
        }
        (owner, None) => Ok(Assignee::Owner(given::<Membership>(owner, "owner_id")?)),
        (_, Some(RoundRobinInput { team_id, member_ids })) => {
            let team = team_id.as_ref().map(|team| key::<Team>(team, "round_robin")).transpose()?;
            let members = member_ids.as_ref().map(|members| {
                members.iter().map(|one| key::<Membership>(one, "round_robin")).collect()
            });
            Ok(Assignee::RoundRobin(assignment::pool(team, members.transpose()?)?))
        }
    }
}

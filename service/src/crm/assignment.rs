//! Assignment of prospects to members and teams.

use std::collections::HashMap;

use engine::{
    error::{Error, Problem, Result},
    policy::{Permission, Role},
    reason::Reason,
    record::Record,
    scope::Scope,
    value::Value,
    write::{Batch, IdempotentRequest, OnError, Unit, idempotency, operations::each, row::current},
};
use entity::identity::team_member;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{
    prospect::{self, Column},
    prospect_assignment::{self, Column as Assigned, check_owner, reassign},
};
use crate::identity::{
    membership::{self, ACTIVE},
    team,
};

/// Maximum number of members among whom prospects are distributed.
pub const MAX_POOL: usize = 1_000;

/// A prospect to assign.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentItem {
    /// The primary key of the prospect; `None` if its ID is invalid.
    pub prospect: Option<i64>,
    /// The revision that the prospect must have.
    pub expected_revision: Option<i64>,
}

/// The new owners of prospects.
#[derive(Clone, Debug)]
pub enum Assignee {
    /// The member with this membership, or no owner.
    Owner(Option<i64>),
    /// Members in turn: the member who has waited longest for an assignment comes first.
    RoundRobin(Pool),
}

/// The members among whom prospects are distributed: active members who can write.
#[derive(Clone, Debug)]
pub enum Pool {
    /// All members of the organization.
    Organization,
    /// The members of a team.
    Team(i64),
    /// These members.
    Members(Vec<i64>),
}

/// Assigns prospects to members: all of them, or those that are not rejected.
///
/// # Errors
/// [`Error::Refused`] if an item is rejected and `on_error` is [`OnError::RejectAll`], or if the new owner is not an active
/// member; then nothing is written.
pub async fn assign(
    scope: &Scope,
    items: Vec<AssignmentItem>,
    assignee: Assignee,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let owners = Owners::lock(unit, assignee).await?;
            let keys: Vec<i64> = items.iter().filter_map(|item| item.prospect).collect();
            unit.preload(prospect::table(), &keys).await?;
            let batch = each(unit, items, on_error, found).await?;
            let mut changes: Vec<(Record, Option<i64>)> = Vec::new();
            let mut distinct = std::collections::HashSet::new();
            for key in batch.keys.iter().flatten().filter(|key| distinct.insert(**key)) {
                let row = unit.get(prospect::table(), *key, "id").await?;
                changes.push((row, owners.of(changes.len())));
            }
            reassign(unit, changes).await?;
            Ok(batch)
        })
    })
    .await
}

/// Checks that a prospect can be assigned. Returns its primary key.
fn found(unit: &mut Unit, item: AssignmentItem) -> BoxFuture<'_, Result<(i64, bool)>> {
    Box::pin(async move {
        let id = item.prospect.ok_or_else(|| Problem::not_found("id", prospect::table().called))?;
        let row = current(unit, prospect::rules(), id, item.expected_revision).await?;
        Ok((row.id(), false))
    })
}

/// The new owners of the prospects of a batch.
enum Owners {
    Same(Option<i64>),
    InTurn(Vec<i64>),
}

impl Owners {
    /// Locks the memberships of the new owners, before the prospects, as a departure does.
    async fn lock(unit: &mut Unit, assignee: Assignee) -> Result<Self> {
        match assignee {
            Assignee::Owner(owner) => {
                if let Some(owner) = owner {
                    check_owner(unit, owner, "owner_id").await?;
                }
                Ok(Self::Same(owner))
            }
            Assignee::RoundRobin(pool) => {
                // Concurrent batches take turns, too.
                unit.advisory_lock(prospect_assignment::table(), "round robin").await?;
                Ok(Self::InTurn(in_turn(unit, pool).await?))
            }
        }
    }

    /// The owner of the prospect at `place` in the batch.
    fn of(&self, place: usize) -> Option<i64> {
        match self {
            Self::Same(owner) => *owner,
            Self::InTurn(members) => members.get(place % members.len()).copied(),
        }
    }
}

/// The members of a pool, in the order in which they get the next prospects: by their newest assignment.
async fn in_turn(unit: &mut Unit, pool: Pool) -> Result<Vec<i64>> {
    let writers = [Role::Owner, Role::Admin, Role::Member].map(Role::name);
    let members = unit.scope().select::<membership::Entity>();
    let members = members
        .filter(membership::Column::Status.eq(ACTIVE))
        .filter(membership::Column::Role.is_in(writers))
        .order_by_asc(membership::Column::Id);
    let members = match &pool {
        Pool::Organization => members,
        Pool::Team(team) => {
            let missing = || Problem::not_found("round_robin.team_id", team::table().called);
            unit.referred(team::table(), *team).await?.ok_or_else(missing)?;
            members.filter(membership::Column::Id.in_subquery(members_of(*team)))
        }
        Pool::Members(keys) => members.filter(membership::Column::Id.is_in(keys.iter().copied())),
    };
    let members = members.limit(MAX_POOL as u64).select_only().column(membership::Column::Id);
    let mut members: Vec<i64> = unit.tuples(&members).await?;
    let is_complete = match &pool {
        Pool::Members(keys) => {
            keys.iter().collect::<std::collections::HashSet<_>>().len() == members.len()
        }
        Pool::Organization | Pool::Team(_) => true,
    };
    if members.is_empty() || !is_complete {
        let message = "`roundRobin` needs members who are active and whose role can write";
        let reason = Reason::MemberStatusConflict;
        return Err(Problem::conflict(reason, "round_robin", message).into());
    }
    for member in &members {
        unit.referred(membership::table(), *member).await?;
    }
    let newest = unit.scope().select::<prospect_assignment::Entity>();
    let newest = newest.filter(Assigned::AssigneeId.is_in(members.iter().copied()));
    let newest = newest.select_only().column(Assigned::AssigneeId);
    let newest = newest.column_as(Assigned::Id.max(), "newest").group_by(Assigned::AssigneeId);
    let newest: HashMap<i64, i64> = unit.tuples(&newest).await?.into_iter().collect();
    members.sort_by_key(|member| (newest.get(member).copied(), *member));
    Ok(members)
}

#[expect(clippy::disallowed_methods, reason = "the team belongs to the organization of the unit")]
fn members_of(team: i64) -> sea_orm::sea_query::SelectStatement {
    use sea_orm::EntityTrait as _;
    let members = team_member::Entity::find().filter(team_member::Column::TeamId.eq(team));
    members.select_only().column(team_member::Column::MembershipId).into_query()
}

/// Assigns prospects to a team, or to none: all of them, or those that are not rejected.
///
/// # Errors
/// [`Error::Refused`] if an item is rejected and `on_error` is [`OnError::RejectAll`], or if there is no such team; then
/// nothing is written.
pub async fn assign_to_team(
    scope: &Scope,
    items: Vec<AssignmentItem>,
    team: Option<i64>,
    on_error: OnError,
    once: Option<IdempotentRequest>,
) -> Result<Batch> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            if let Some(team) = team {
                let missing = || Problem::not_found("team_id", team::table().called);
                unit.referred(team::table(), team).await?.ok_or_else(missing)?;
            }
            let keys: Vec<i64> = items.iter().filter_map(|item| item.prospect).collect();
            unit.preload(prospect::table(), &keys).await?;
            let batch = each(unit, items, on_error, found).await?;
            unit.begin_batch();
            for key in batch.keys.iter().flatten() {
                let before = unit.get(prospect::table(), *key, "id").await?;
                let mut after = before.clone();
                after.set(Column::TeamId, team.map_or(Value::Null, Value::Int));
                unit.update(&before, after).await?;
            }
            Ok(batch)
        })
    })
    .await
}

/// Transfers all prospects of a member to another member, or leaves them without an owner. Deleted prospects are included.
/// Returns their number.
///
/// # Errors
/// [`Error::Refused`] if one of the members does not exist or the successor is not active; [`Error::Forbidden`].
pub async fn transfer(
    scope: &Scope,
    from: i64,
    to: Option<i64>,
    once: Option<IdempotentRequest>,
) -> Result<usize> {
    scope.demand(Permission::ManageMembers)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let missing = || Problem::not_found("from_id", membership::table().called);
            unit.referred(membership::table(), from).await?.ok_or_else(missing)?;
            if let Some(to) = to {
                check_owner(unit, to, "to_id").await?;
            }
            let owned = unit.below(prospect::table(), Column::OwnerId, from).await?;
            let prospects = owned.len();
            reassign(unit, owned.into_iter().map(|row| (row, to)).collect()).await?;
            Ok(prospects)
        })
    })
    .await
}

/// Opens the assignment of a new prospect. A prospect is created with an active member as its owner, or without one.
pub(super) async fn begin(unit: &mut Unit, prospect: &Record) -> Result<()> {
    if let Some(owner) = prospect.number(Column::OwnerId) {
        check_owner(unit, owner, "owner_id").await?;
        prospect_assignment::open(unit, prospect).await?;
    }
    Ok(())
}

/// Prepares a merge, after which the prospect has at most one open assignment: that of the owner of `kept` or, if it has
/// none, of `dropped`.
pub(super) async fn prepare_merge(unit: &mut Unit, kept: &Record, dropped: &Record) -> Result<()> {
    if kept.has(Column::OwnerId) {
        prospect_assignment::close_open(unit, &[dropped.id()]).await?;
    }
    Ok(())
}

/// Rejects an empty or ambiguous choice of members; `Err` has the message.
///
/// # Errors
/// [`Error::Refused`].
pub fn pool(team: Option<i64>, members: Option<Vec<i64>>) -> Result<Pool> {
    match (team, members) {
        (Some(_), Some(_)) => {
            let message = "`teamId` and `memberIds` exclude each other";
            Err(Problem::invalid(Reason::ArgumentsExclusive, "round_robin", message).into())
        }
        (Some(team), None) => Ok(Pool::Team(team)),
        (None, Some(members)) if members.is_empty() => {
            let message = "`memberIds` must contain at least one member";
            Err(Problem::invalid(Reason::ValueRequired, "round_robin", message).into())
        }
        (None, Some(members)) if members.len() > MAX_POOL => {
            let message = format!("`memberIds` must contain at most {MAX_POOL} members");
            Err(Error::from(Problem::invalid(Reason::TooManyItems, "round_robin", message)))
        }
        (None, Some(members)) => Ok(Pool::Members(members)),
        (None, None) => Ok(Pool::Organization),
    }
}

//! Assignment of prospects to members and teams.

use std::collections::HashSet;

use engine::{
    error::{Error, Problem, Result},
    policy::{Permission, Role},
    reason::Reason,
    record::Record,
    scope::Scope,
    store::Engine,
    value::Value,
    write::{Batch, IdempotentRequest, OnError, Unit, idempotency, operations::each, row::current},
};
use futures_util::future::BoxFuture;

use super::{
    prospect::{self, Column},
    prospect_assignment::{self, check_owner, reassign, with_owner},
};
use crate::identity::{
    membership::{self, ACTIVE, LEFT},
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
    scope.demand(Permission::WriteAll)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let owners = Owners::lock(unit, assignee).await?;
            let keys: Vec<i64> = items.iter().filter_map(|item| item.prospect).collect();
            unit.preload(prospect::table(), &keys).await?;
            let batch = each(unit, items, on_error, found).await?;
            let mut updates: Vec<(Record, Record)> = Vec::new();
            let mut distinct = HashSet::new();
            for key in batch.keys.iter().flatten().filter(|key| distinct.insert(**key)) {
                let row = unit.get(prospect::table(), *key, "id").await?;
                updates.push(with_owner(row, owners.of(updates.len())));
            }
            reassign(unit, updates).await?;
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

/// The members of a pool, in the order in which they get the next prospects: by their newest assignment. Their memberships
/// are locked against changes.
async fn in_turn(unit: &mut Unit, pool: Pool) -> Result<Vec<i64>> {
    let engine = unit.scope().engine();
    let mut binds = vec![unit.scope().organization().into()];
    let (of_pool, expected) = match pool {
        Pool::Organization => (String::new(), None),
        Pool::Team(team) => {
            let missing = || Problem::not_found("round_robin.team_id", team::table().called);
            unit.referred(team::table(), team).await?.ok_or_else(missing)?;
            binds.push(team.into());
            let joined = " AND EXISTS (SELECT 1 FROM \"team_members\" t WHERE t.\"membership_id\" = m.\"id\" \
                          AND t.\"team_id\" = {})";
            (joined.to_owned(), None)
        }
        Pool::Members(keys) => {
            let distinct = keys.iter().collect::<HashSet<_>>().len();
            (format!(" AND m.\"id\" {}", engine.among(&keys, &mut binds)), Some(distinct))
        }
    };
    // A membership that another transaction changes is read again when that has ended.
    let lock = if engine == Engine::Postgres { " FOR SHARE OF m" } else { "" };
    let sql = format!(
        "SELECT m.\"id\", (SELECT max(a.\"id\") FROM \"prospect_assignments\" a WHERE a.\"assignee_id\" = m.\"id\") \
         FROM \"memberships\" m WHERE m.\"organization_id\" = {{}} AND m.\"status\" = '{ACTIVE}' \
         AND m.\"role\" IN ({}) AND EXISTS (SELECT 1 FROM \"users\" u WHERE u.\"id\" = m.\"user_id\" \
         AND u.\"suspended_at\" IS NULL AND u.\"deleted_at\" IS NULL){of_pool} ORDER BY m.\"id\" LIMIT {}{lock}",
        writing_roles(),
        MAX_POOL + 1
    );
    let rows = unit.query(&sql, binds).await?;
    let members = rows.iter().map(|row| {
        let newest: Option<i64> = row.try_get_by_index(1)?;
        Ok((newest, row.try_get_by_index::<i64>(0)?))
    });
    let mut members = members.collect::<Result<Vec<_>>>()?;
    if members.len() > MAX_POOL {
        let message =
            format!("`roundRobin` takes at most {MAX_POOL} members; name them in `memberIds`");
        return Err(Problem::invalid(Reason::TooManyItems, "round_robin", message).into());
    }
    if members.is_empty() || expected.is_some_and(|expected| expected != members.len()) {
        let message = "`roundRobin` needs members who are active and whose role can write";
        let reason = Reason::MemberStatusConflict;
        return Err(Problem::conflict(reason, "round_robin", message).into());
    }
    members.sort_unstable();
    Ok(members.into_iter().map(|(_, member)| member).collect())
}

/// The roles that can write, as a list of SQL literals.
fn writing_roles() -> String {
    let roles = Role::ALL.into_iter().filter(|role| role.may(Permission::Write));
    roles.map(|role| format!("'{}'", role.name())).collect::<Vec<_>>().join(", ")
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
    scope.demand(Permission::WriteAll)?;
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
            if to == Some(from) {
                let message = "`toId` must be another member than `fromId`";
                return Err(Problem::invalid(Reason::ValueInvalid, "to_id", message).into());
            }
            if let Some(to) = to {
                check_owner(unit, to, "to_id").await?;
            }
            prospect_assignment::transfer(unit, from, to).await
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

/// Rejects a restricted member, who can't assign prospects to others.
fn check_assigner(unit: &Unit) -> Result<()> {
    if unit.scope().is_restricted() {
        return unit.scope().role().demand(Permission::WriteAll);
    }
    Ok(())
}

/// Makes a restricted member the owner of a prospect that it creates, which may be assigned to one of its teams.
pub(super) async fn restrict(unit: &mut Unit, prospect: &mut Record) -> Result<()> {
    let Some(own) = unit.scope().membership().filter(|_| unit.scope().is_restricted()) else {
        return Ok(());
    };
    let is_own_team = match prospect.number(Column::TeamId) {
        Some(team) => unit.partners(&team::MEMBERS, own, false).await?.contains(&team),
        None => true,
    };
    if !is_own_team || prospect.number(Column::OwnerId).is_some_and(|owner| owner != own) {
        check_assigner(unit)?;
    }
    prospect.set(Column::OwnerId, Value::Int(own));
    Ok(())
}

/// Updates a prospect whose owner may change. A new owner must be an active member.
pub(super) async fn update(unit: &mut Unit, before: Record, after: Record) -> Result<Record> {
    let owner = after.number(Column::OwnerId);
    if before.value(Column::OwnerId) != after.value(Column::OwnerId)
        || before.value(Column::TeamId) != after.value(Column::TeamId)
    {
        check_assigner(unit)?;
    }
    if before.number(Column::OwnerId) == owner {
        return unit.update(&before, after).await;
    }
    if let Some(owner) = owner {
        check_owner(unit, owner, "owner_id").await?;
    }
    let id = before.id();
    reassign(unit, vec![(before, after)]).await?;
    unit.get(prospect::table(), id, "id").await
}

/// Locks the memberships of the owners of prospects that are merged, before the prospects, as a departure does.
pub(super) async fn lock_owners(unit: &mut Unit, prospects: [i64; 2]) -> Result<()> {
    let mut owners = Vec::new();
    for id in prospects {
        let row = unit.peek(prospect::table(), id).await?;
        owners.extend(row.and_then(|row| row.number(Column::OwnerId)));
    }
    owners.sort_unstable();
    for owner in owners {
        unit.referred(membership::table(), owner).await?;
    }
    Ok(())
}

/// The owner of the result of a merge: that of `kept` or, if it has none, that of `dropped`, unless that
/// member has left. An assignment of `dropped` that does not continue is closed.
pub(super) async fn merged_owner(
    unit: &mut Unit,
    kept: &Record,
    dropped: &Record,
) -> Result<Option<i64>> {
    let of_kept = kept.number(Column::OwnerId);
    let Some(owner) = dropped.number(Column::OwnerId) else { return Ok(of_kept) };
    if of_kept.is_none() {
        let member = unit.referred(membership::table(), owner).await?;
        if member.is_some_and(|row| row.text(membership::Column::Status) != LEFT) {
            return Ok(Some(owner));
        }
    }
    prospect_assignment::close_open(unit, &[dropped.id()]).await?;
    Ok(of_kept)
}

/// The members of a team, or these members; without both, all members of the organization.
///
/// # Errors
/// [`Error::Refused`] if both are given, or if there are no or too many members.
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

//! Assignments: which member owned a prospect from when to when. A prospect has at most one open assignment, that of its
//! owner.

use std::{collections::HashMap, sync::LazyLock};

use engine::{
    error::{Problem, Result},
    reason::Reason,
    record::Record,
    table::Table,
    value::Value,
    write::{Unit, ownership::Ownership, transfer::Transfer},
};
pub use entity::crm::prospect_assignment::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::prospect;
use crate::{
    alerts::notification,
    identity::membership::{self, ACTIVE},
};

/// Assignments belong to their prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// The successor of a member becomes the owner of their prospects.
static TRANSFER: Transfer = Transfer(|unit, from, to| {
    Box::pin(async move {
        let owned = unit.below(prospect::table(), prospect::Column::OwnerId, from).await?;
        let prospects = owned.len();
        reassign(unit, owned.into_iter().map(|row| (row, to)).collect()).await?;
        Ok(prospects)
    })
});

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("prospect_assignment")
            .described("An assignment of a prospect to a member.")
            .hidden_with(Column::ProspectId, prospect::table)
            .belongs_to(&PROSPECT_OWNERSHIP)
            .transferred(&TRANSFER)
    });
    &TABLE
}

/// Gives prospects other owners, or none, by the primary keys of their memberships. The rows are locked, and distinct. New
/// owners are notified, unless they are the caller.
pub(super) async fn reassign(unit: &mut Unit, owners: Vec<(Record, Option<i64>)>) -> Result<()> {
    let is_change =
        |(row, owner): &(Record, Option<i64>)| row.number(prospect::Column::OwnerId) != *owner;
    let owners: Vec<_> = owners.into_iter().filter(is_change).collect();
    let keys: Vec<i64> = owners.iter().map(|(row, _)| row.id()).collect();
    unit.write_batch().await?;
    unit.begin_batch();
    close_open(unit, &keys).await?;
    let mut assignments = Vec::new();
    let mut received: HashMap<i64, usize> = HashMap::new();
    for (before, owner) in owners {
        let mut after = before.clone();
        after.set(prospect::Column::OwnerId, owner.map_or(Value::Null, Value::Int));
        unit.update(&before, after).await?;
        if let Some(owner) = owner {
            assignments.push(opened(unit, before.id(), owner));
            *received.entry(owner).or_default() += 1;
        }
    }
    unit.write_batch().await?;
    unit.insert_all_by(assignments, Column::ProspectId.name()).await?;
    let mut received: Vec<_> = received.into_iter().collect();
    received.sort_unstable();
    for (owner, prospects) in received {
        notify(unit, owner, prospects).await?;
    }
    Ok(())
}

/// Opens the assignment of a new prospect to its owner.
pub(super) async fn open(unit: &mut Unit, prospect: &Record) -> Result<()> {
    let Some(owner) = prospect.number(prospect::Column::OwnerId) else { return Ok(()) };
    let assignment = opened(unit, prospect.id(), owner);
    unit.insert(assignment).await?;
    notify(unit, owner, 1).await
}

/// Closes the open assignments of prospects.
pub(super) async fn close_open(unit: &mut Unit, prospects: &[i64]) -> Result<()> {
    for prospects in prospects.chunks(1_000) {
        let open = unit.scope().select::<Entity>().filter(Column::UnassignedAt.is_null());
        let open = open.filter(Column::ProspectId.is_in(prospects.iter().copied()));
        for before in unit.records(table(), &open.order_by_asc(Column::Id)).await? {
            let mut after = before.clone();
            after.set(Column::UnassignedAt, Value::Time(unit.now()));
            unit.update(&before, after).await?;
        }
    }
    Ok(())
}

/// Rejects an owner who is not an active member; `field` is the input with the membership.
pub(super) async fn check_owner(unit: &mut Unit, owner: i64, field: &str) -> Result<()> {
    let missing = || Problem::not_found(field, membership::table().called);
    let row = unit.referred(membership::table(), owner).await?.ok_or_else(missing)?;
    if row.text(membership::Column::Status) == ACTIVE {
        return Ok(());
    }
    let message = "prospects can only be assigned to active members";
    Err(Problem::conflict(Reason::MemberStatusConflict, field, message).into())
}

fn opened(unit: &Unit, prospect: i64, owner: i64) -> Record {
    let mut row = Record::new(table());
    row.set(Column::ProspectId, Value::Int(prospect));
    row.set(Column::AssigneeId, Value::Int(owner));
    let by = unit.scope().membership().map_or(Value::Null, Value::Int);
    row.set(Column::AssignedById, by);
    row.set(Column::AssignedAt, Value::Time(unit.now()));
    row
}

async fn notify(unit: &mut Unit, owner: i64, prospects: usize) -> Result<()> {
    if unit.scope().membership() == Some(owner) {
        return Ok(());
    }
    notification::assignment(unit, owner, prospects).await
}

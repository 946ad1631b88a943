//! Assignments: which member owned a prospect from when to when. A prospect has at most one open assignment, that of its
//! owner.

use std::sync::LazyLock;

use engine::{
    error::{Problem, Result},
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    table::Table,
    value::Value,
    write::{Unit, ownership::Ownership, transfer::Transfer},
};
pub use entity::crm::prospect_assignment::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::prospect;
use crate::{alerts::notification, identity::membership};

/// Assignments belong to their prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// The successor of a member becomes the owner of their prospects.
static TRANSFER: Transfer = Transfer(|unit, from, to| {
    Box::pin(async move {
        transfer(unit, from, to).await?;
        Ok(())
    })
});

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("prospect_assignment")
            .described("An assignment of a prospect to a member.")
            .scoped(RowScope::Through(Column::ProspectId.name(), "prospects"))
            .hidden_with(Column::ProspectId, prospect::table)
            .belongs_to(&PROSPECT_OWNERSHIP)
            .transferred(&TRANSFER)
    });
    &TABLE
}

/// Updates prospects, some of which get other owners, or none: rows before and after. The rows are locked, and distinct. New
/// owners are notified, unless they are the caller. Returns the number of prospects with other owners.
pub(super) async fn reassign(unit: &mut Unit, updates: Vec<(Record, Record)>) -> Result<usize> {
    let owner = |row: &Record| row.number(prospect::Column::OwnerId);
    let is_change = |(before, after): &&(Record, Record)| owner(before) != owner(after);
    let changed: Vec<i64> =
        updates.iter().filter(is_change).map(|(before, _)| before.id()).collect();
    unit.write_batch().await?;
    unit.begin_batch();
    close_open(unit, &changed).await?;
    let mut assignments = Vec::new();
    for (before, after) in updates {
        if let Some(owner) = owner(&after).filter(|_| owner(&before) != owner(&after)) {
            assignments.push(opened(unit, before.id(), owner));
        }
        unit.update(&before, after).await?;
    }
    unit.write_batch().await?;
    for assignment in unit.insert_all_by(assignments, Column::ProspectId.name()).await? {
        notify(unit, assignment.key(Column::AssigneeId)?);
    }
    Ok(changed.len())
}

/// Gives all prospects of a member to another member, or to none. Returns their number.
pub(super) async fn transfer(unit: &mut Unit, from: i64, to: Option<i64>) -> Result<usize> {
    let owned = unit.below(prospect::table(), prospect::Column::OwnerId, from).await?;
    reassign(unit, owned.into_iter().map(|row| with_owner(row, to)).collect()).await
}

/// A row with this owner, or none, before and after.
pub(super) fn with_owner(before: Record, owner: Option<i64>) -> (Record, Record) {
    let mut after = before.clone();
    after.set(prospect::Column::OwnerId, owner.map_or(Value::Null, Value::Int));
    (before, after)
}

/// Opens the assignment of a new prospect to its owner.
pub(super) async fn open(unit: &mut Unit, prospect: &Record) -> Result<()> {
    let Some(owner) = prospect.number(prospect::Column::OwnerId) else { return Ok(()) };
    let assignment = opened(unit, prospect.id(), owner);
    unit.insert(assignment).await?;
    notify(unit, owner);
    Ok(())
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
    if membership::available(unit, owner, field).await?.is_some() {
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

/// Notifies a new owner once of all prospects of the unit.
fn notify(unit: &mut Unit, owner: i64) {
    if unit.scope().membership() != Some(owner) {
        unit.tally(&notification::ASSIGNMENTS, owner);
    }
}

//! Departures: what happens to the access and the work of a departing member.

use engine::{
    error::{Problem, Result},
    reason::Reason,
    record::Record,
    value::Value,
    write::{Unit, ownership::Tables},
};

use super::{
    api_key,
    membership::{self, Column, LEFT},
    one_time_token, session, team,
};

/// Ends a membership: sessions and API keys end, the member leaves all teams, and `successor`, or no member, takes over the
/// rows of the member.
///
/// # Errors
/// [`engine::Error::Refused`] if the successor is not another active member.
pub(super) async fn leave(
    unit: &mut Unit,
    tables: Tables,
    before: &Record,
    successor: Option<i64>,
) -> Result<()> {
    let user = before.key(Column::UserId)?;
    if let Some(successor) = successor {
        is_successor(unit, before.id(), successor).await?;
    }
    let open = session::open_sessions_in(user, unit.scope().organization());
    unit.run(&session::revoke(open, unit.now())).await?;
    one_time_token::invalidate_resets(unit, user).await?;
    api_key::revoke_all(unit, user).await?;
    team::leave_all(unit, before.id()).await?;
    unit.transfer(tables, before.id(), successor).await?;
    let mut after = before.clone();
    after.set(Column::Status, Value::Text(LEFT.to_owned()));
    after.set(Column::SuspensionReason, Value::Null);
    unit.update(before, after).await?;
    Ok(())
}

/// Rejects a successor who is not an active member, or is the departing member.
async fn is_successor(unit: &mut Unit, leaving: i64, successor: i64) -> Result<()> {
    let available = membership::available(unit, successor, "successor_id").await?;
    if successor != leaving && available.is_some() {
        return Ok(());
    }
    let message = "the successor must be another active member of the organization";
    let reason = Reason::MemberStatusConflict;
    Err(Problem::conflict(reason, "successor_id", message).into())
}

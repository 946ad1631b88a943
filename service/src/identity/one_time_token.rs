//! One-time tokens of links: invitations and password resets. Only their hashes are stored.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    reason::Reason,
    store::Store,
    write::Unit,
};
use entity::identity::one_time_token::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, Select,
    UpdateMany, sea_query::Expr,
};

use super::secret;

/// How long expired tokens are kept.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// Purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Acceptance of an invitation to an organization.
    Invitation,
    /// A new password for an account.
    PasswordReset,
}

impl Purpose {
    /// Stored name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
        }
    }

    /// How long a token is valid.
    #[must_use]
    pub fn duration(self) -> TimeDelta {
        match self {
            Self::Invitation => TimeDelta::days(7),
            Self::PasswordReset => TimeDelta::hours(1),
        }
    }
}

/// A valid token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    /// Primary key.
    pub(super) id: i64,
    /// The user.
    pub(super) user: i64,
    /// The organization of an invitation.
    pub(super) organization: Option<i64>,
}

/// Stores the hash of `token`, and invalidates older tokens of the same user, purpose and organization.
pub(super) async fn issue(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
    token: &str,
) -> Result<()> {
    let now = unit.now();
    let of_organization = match organization {
        Some(organization) => Column::OrganizationId.eq(organization),
        None => Column::OrganizationId.is_null(),
    };
    let older = Condition::all()
        .add(Column::UserId.eq(user))
        .add(Column::Purpose.eq(purpose.name()))
        .add(of_organization);
    unit.run(&invalidate(older, now)).await?;
    let row = ActiveModel {
        purpose: Set(purpose.name().to_owned()),
        token_hash: Set(secret::hash(token)),
        user_id: Set(user),
        organization_id: Set(organization),
        expires_at: Set((now + purpose.duration()).fixed_offset()),
        created_at: Set(now.fixed_offset()),
        updated_at: Set(now.fixed_offset()),
        ..Default::default()
    };
    unit.run(&Entity::insert(row)).await?;
    Ok(())
}

/// The valid token with this text.
///
/// # Errors
/// [`Error::Invalid`] if there is none.
pub(super) async fn find(
    store: &Store,
    purpose: Purpose,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Issued> {
    if !secret::is_token(token) {
        return Err(unknown());
    }
    let found = valid(purpose, &secret::hash(token), now).select_only();
    let found = found.columns([Column::Id, Column::UserId, Column::OrganizationId]);
    let found: Vec<(i64, i64, Option<i64>)> = store.tuples(&found).await?;
    let found = found.first().ok_or_else(unknown)?;
    Ok(Issued { id: found.0, user: found.1, organization: found.2 })
}

/// Consumes a token in the transaction of the unit. Of concurrent requests, one succeeds.
///
/// # Errors
/// [`Error::Invalid`] if it has been consumed, or has expired.
#[expect(clippy::disallowed_methods, reason = "tokens are found by their hash")]
pub(super) async fn consume(unit: &Unit, token: Issued) -> Result<()> {
    let now = unit.now();
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(token.id))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now));
    if unit.run(&used).await? == 1 { Ok(()) } else { Err(unknown()) }
}

/// Invalidates the unused password resets of a user who joins an organization: an administrator of another one may have
/// created them.
pub(super) async fn invalidate_resets(unit: &Unit, user: i64) -> Result<()> {
    let resets = Condition::all()
        .add(Column::UserId.eq(user))
        .add(Column::Purpose.eq(Purpose::PasswordReset.name()));
    unit.run(&invalidate(resets, unit.now())).await?;
    Ok(())
}

/// Invalidates all unused tokens of a user.
pub(super) async fn invalidate_all(unit: &Unit, user: i64) -> Result<()> {
    let now = unit.now();
    unit.run(&invalidate(Condition::all().add(Column::UserId.eq(user)), now)).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "tokens belong to users")]
fn invalidate(which: Condition, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(which)
        .filter(Column::UsedAt.is_null())
}

#[expect(clippy::disallowed_methods, reason = "tokens are found by their hash")]
fn valid(purpose: Purpose, hash: &str, now: DateTime<Utc>) -> Select<Entity> {
    Entity::find()
        .filter(Column::TokenHash.eq(hash))
        .filter(Column::Purpose.eq(purpose.name()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
}

/// Deletes tokens that expired long ago.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "tokens belong to users")]
pub(crate) async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let old = Column::ExpiresAt.lt(now - RETENTION);
    store.run(&Entity::delete_many().filter(old)).await?;
    Ok(())
}

fn unknown() -> Error {
    let message = "the link is invalid, was already used, or has expired; ask for a new one";
    Error::invalid(Reason::LinkInvalid, "token", message)
}

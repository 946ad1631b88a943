//! One-time tokens of links: invitations, password resets and verifications of addresses. Only their hashes are stored.

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

use super::{outgoing_mail, secret, user};

/// How long expired tokens are kept.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// Purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Acceptance of an invitation to an organization.
    Invitation,
    /// A new password for an account.
    PasswordReset,
    /// Verification of an e-mail address.
    EmailVerification,
}

impl Purpose {
    /// Stored name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
        }
    }

    /// The purpose with this stored name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Self::Invitation, Self::PasswordReset, Self::EmailVerification];
        all.into_iter().find(|purpose| purpose.name() == name)
    }

    /// The name in links to the sign-in page.
    pub(super) fn link_name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "reset",
            Self::EmailVerification => "verification",
        }
    }

    /// How long a token is valid.
    #[must_use]
    pub fn duration(self) -> TimeDelta {
        match self {
            Self::Invitation => TimeDelta::days(7),
            Self::PasswordReset => TimeDelta::hours(1),
            Self::EmailVerification => TimeDelta::days(1),
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
    /// Whether the link was sent to the e-mail address of the user.
    is_mailed: bool,
}

/// Stores the hash of `token`, and invalidates older tokens of the same user, purpose and organization.
pub(super) async fn issue(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
    token: &str,
) -> Result<()> {
    // A mail that still waits would invalidate this link.
    unit.run(&outgoing_mail::cancel(purpose, user, unit.now())).await?;
    withdraw(unit, purpose, user, organization).await?;
    insert(unit, purpose, user, organization, (token, false)).await
}

/// As [`issue`], for a token that is sent to the e-mail address of the user, whose use verifies the address.
pub(super) async fn issue_mailed(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
    token: &str,
) -> Result<()> {
    // Otherwise, a stranger who requests a reset would invalidate the link of an administrator.
    if purpose != Purpose::PasswordReset {
        withdraw(unit, purpose, user, organization).await?;
    }
    insert(unit, purpose, user, organization, (token, true)).await
}

/// Invalidates the unused tokens of a user for a purpose.
pub(super) async fn withdraw(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
) -> Result<()> {
    let of_organization = match organization {
        Some(organization) => Column::OrganizationId.eq(organization),
        None => Column::OrganizationId.is_null(),
    };
    let older = Condition::all()
        .add(Column::UserId.eq(user))
        .add(Column::Purpose.eq(purpose.name()))
        .add(of_organization);
    unit.run(&invalidate(older, unit.now())).await?;
    Ok(())
}

async fn insert(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
    (token, is_mailed): (&str, bool),
) -> Result<()> {
    let now = unit.now();
    let row = ActiveModel {
        purpose: Set(purpose.name().to_owned()),
        token_hash: Set(secret::hash(token)),
        user_id: Set(user),
        organization_id: Set(organization),
        is_mailed: Set(is_mailed),
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
    let columns = [Column::Id, Column::UserId, Column::OrganizationId, Column::IsMailed];
    let found = found.columns(columns);
    let found: Vec<(i64, i64, Option<i64>, bool)> = store.tuples(&found).await?;
    let (id, user, organization, is_mailed) = found.into_iter().next().ok_or_else(unknown)?;
    Ok(Issued { id, user, organization, is_mailed })
}

/// Consumes a token in the transaction of the unit. Of concurrent requests, one succeeds. A token that was sent to the e-mail
/// address of the user verifies the address.
///
/// # Errors
/// [`Error::Invalid`] if it has been consumed, or has expired.
#[expect(clippy::disallowed_methods, reason = "tokens are found by their hash")]
pub(super) async fn consume(unit: &mut Unit, token: Issued) -> Result<()> {
    let now = unit.now();
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(token.id))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now));
    if unit.run(&used).await? != 1 {
        return Err(unknown());
    }
    if token.is_mailed {
        user::verify_address(unit, token.user).await?;
    }
    Ok(())
}

/// Invalidates the unused password resets of a user who joins an organization: an administrator of another one may have
/// created them.
pub(super) async fn invalidate_resets(unit: &Unit, user: i64) -> Result<()> {
    let resets = Condition::all()
        .add(Column::UserId.eq(user))
        .add(Column::Purpose.eq(Purpose::PasswordReset.name()));
    unit.run(&invalidate(resets, unit.now())).await?;
    unit.run(&outgoing_mail::cancel(Purpose::PasswordReset, user, unit.now())).await?;
    Ok(())
}

/// Invalidates all unused tokens of a user.
pub(super) async fn invalidate_all(unit: &Unit, user: i64) -> Result<()> {
    let now = unit.now();
    unit.run(&invalidate(Condition::all().add(Column::UserId.eq(user)), now)).await?;
    unit.run(&outgoing_mail::cancel(Purpose::PasswordReset, user, now)).await?;
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

/// The error for a link that can't be used.
pub(super) fn unknown() -> Error {
    let message = "the link is invalid, was already used, or has expired; ask for a new one";
    Error::invalid(Reason::LinkInvalid, "token", message)
}

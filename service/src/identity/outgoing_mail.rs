//! The queue of outgoing mails. A row names the user and the purpose only: the token of the link is issued when the mail is
//! sent, so that no row and no backup contains a link.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::Result,
    store::{Engine, Store},
    value::{Kind, Value},
    write::Unit,
};
use entity::identity::outgoing_mail::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DeleteMany, EntityTrait, QueryFilter,
    QuerySelect, Select, UpdateMany, sea_query::Expr,
};

use super::one_time_token::Purpose;

/// How long rows are kept.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// How long a mail is being sent at most. Then, another server may send it.
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(5);

/// Waiting times before the second and later attempts. There is no attempt after the last one.
pub(super) const RETRY_AFTER: [TimeDelta; 7] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(15),
    TimeDelta::hours(1),
    TimeDelta::hours(3),
    TimeDelta::hours(6),
    TimeDelta::hours(12),
];

/// Maximum number of mails to a user for one purpose in [`WINDOW`] that users request themselves.
pub(super) const MAX_REQUESTED: u64 = 3;

/// Maximum number of mails to a user for one purpose in [`WINDOW`] that administrators cause, of all organizations.
pub(super) const MAX_CAUSED: u64 = 10;

/// Maximum number of invitations of an organization in a day.
pub(super) const MAX_OF_ORGANIZATION: u64 = 500;

/// Window of the limits per user.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// The mail waits for an attempt.
const QUEUED: &str = "queued";
/// An attempt is in progress, until it is due again.
const SENDING: &str = "sending";
/// The mail server has accepted the mail.
const SENT: &str = "sent";
/// There are no further attempts.
const FAILED: &str = "failed";
/// The link was no longer needed.
const CANCELLED: &str = "cancelled";

/// Statuses of mails that may still be sent.
const OPEN: [&str; 2] = [QUEUED, SENDING];

/// A mail that is being sent.
#[derive(Clone, Debug)]
pub(super) struct ClaimedMail {
    /// Primary key.
    pub(super) id: i64,
    /// The recipient.
    pub(super) user: i64,
    /// The organization of an invitation.
    pub(super) organization: Option<i64>,
    pub(super) purpose: Purpose,
    /// The number of attempts, including this one.
    pub(super) attempts: i32,
    /// When it was queued.
    pub(super) created_at: DateTime<Utc>,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MailOutcome {
    Sent,
    Cancelled,
    /// There is another attempt after this time.
    Postponed(TimeDelta, String),
    Failed(String),
}

/// Queues a mail, unless one to the same user for the same purpose waits already.
pub(super) async fn enqueue(
    unit: &Unit,
    purpose: Purpose,
    user: i64,
    organization: Option<i64>,
) -> Result<()> {
    let now = unit.now();
    let waiting = waiting(purpose, user, organization).select_only().column(Column::Id);
    if unit.tuple::<i64, _>(waiting).await?.is_some() {
        return Ok(());
    }
    let row = ActiveModel {
        user_id: Set(user),
        organization_id: Set(organization),
        purpose: Set(purpose.name().to_owned()),
        status: Set(QUEUED.to_owned()),
        attempts: Set(0),
        due_at: Set(now.fixed_offset()),
        created_at: Set(now.fixed_offset()),
        updated_at: Set(now.fixed_offset()),
        ..Default::default()
    };
    unit.run(&Entity::insert(row)).await?;
    Ok(())
}

/// Whether there have been as many mails to a user for this purpose as allowed.
#[expect(clippy::disallowed_methods, reason = "mails belong to users")]
pub(super) async fn is_limited(
    store: &Store,
    purpose: Purpose,
    user: i64,
    maximum: u64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let recent = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Purpose.eq(purpose.name()))
        .filter(Column::CreatedAt.gt(now - WINDOW))
        .limit(maximum);
    let recent: Vec<i64> = store.tuples(&recent.select_only().column(Column::Id)).await?;
    Ok(recent.len() as u64 >= maximum)
}

/// Claims the mail that has waited longest, new passwords before invitations, until [`LEASE`] has passed. Servers claim different mails.
pub(super) async fn claim(store: &Store, now: DateTime<Utc>) -> Result<Option<ClaimedMail>> {
    let lock = if store.engine() == Engine::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "UPDATE \"outgoing_mails\" SET \"status\" = '{SENDING}', \"attempts\" = \"attempts\" + 1, \"due_at\" = {{}}, \"updated_at\" = {{}} \
         WHERE \"id\" = (SELECT \"id\" FROM \"outgoing_mails\" WHERE \"status\" IN ('{QUEUED}', '{SENDING}') \
         AND \"due_at\" <= {{}} ORDER BY \"purpose\" = 'invitation', \"due_at\", \"id\" LIMIT 1{lock}) \
         RETURNING \"id\", \"user_id\", \"organization_id\", \"purpose\", \"attempts\", \"created_at\""
    );
    let time = |time| Value::Time(time).bind(Kind::Time);
    let binds = vec![time(now + LEASE), time(now), time(now)];
    let statement = store.engine().statement(&sql, binds);
    let rows = store.write().query_all_raw(statement).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let purpose: String = row.try_get_by_index(3)?;
    let Some(purpose) = Purpose::of(&purpose) else { return Ok(None) };
    Ok(Some(ClaimedMail {
        id: row.try_get_by_index(0)?,
        user: row.try_get_by_index(1)?,
        organization: row.try_get_by_index(2)?,
        purpose,
        attempts: row.try_get_by_index(4)?,
        created_at: Value::read(row, 5, Kind::Time)?.time().unwrap_or(now),
    }))
}

/// Whether a mail waits and is due.
#[expect(clippy::disallowed_methods, reason = "the queue belongs to the server")]
pub(super) async fn is_any_due(store: &Store, now: DateTime<Utc>) -> Result<bool> {
    let due = Entity::find()
        .filter(Column::Status.is_in(OPEN))
        .filter(Column::DueAt.lte(now))
        .limit(1)
        .select_only()
        .column(Column::Id);
    Ok(!store.tuples::<i64>(&due).await?.is_empty())
}

/// Stores the outcome of an attempt, unless the mail was cancelled or claimed by another server since.
#[expect(clippy::disallowed_methods, reason = "the queue belongs to the server")]
pub(super) async fn finish(
    store: &Store,
    mail: &ClaimedMail,
    outcome: MailOutcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let (status, error, due) = match outcome {
        MailOutcome::Sent => (SENT, None, None),
        MailOutcome::Cancelled => (CANCELLED, None, None),
        MailOutcome::Postponed(wait, error) => (QUEUED, Some(error), Some(now + wait)),
        MailOutcome::Failed(error) => (FAILED, Some(error), None),
    };
    let error = error.map(|error| error.chars().take(255).collect::<String>());
    let mut update: UpdateMany<Entity> = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::LastError, Expr::value(error))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(mail.id))
        .filter(Column::Status.eq(SENDING))
        .filter(Column::Attempts.eq(mail.attempts));
    if let Some(due) = due {
        update = update.col_expr(Column::DueAt, Expr::value(due));
    }
    if status == SENT {
        update = update.col_expr(Column::SentAt, Expr::value(now));
    }
    store.run(&update).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "mails belong to users")]
fn waiting(purpose: Purpose, user: i64, organization: Option<i64>) -> Select<Entity> {
    let of_organization = match organization {
        Some(organization) => Column::OrganizationId.eq(organization),
        None => Column::OrganizationId.is_null(),
    };
    Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Purpose.eq(purpose.name()))
        .filter(Column::Status.eq(QUEUED))
        .filter(of_organization)
}

/// The statement that cancels the mails to a user for a purpose.
#[expect(clippy::disallowed_methods, reason = "mails belong to users")]
pub(super) fn cancel(purpose: Purpose, user: i64, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(CANCELLED))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::UserId.eq(user))
        .filter(Column::Purpose.eq(purpose.name()))
        .filter(Column::Status.is_in(OPEN))
}

/// Whether an organization has sent as many invitations in a day as allowed.
#[expect(clippy::disallowed_methods, reason = "the rows of the organization of the scope")]
pub(super) async fn is_organization_limited(
    store: &Store,
    organization: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let recent = Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::CreatedAt.gt(now - TimeDelta::days(1)))
        .limit(MAX_OF_ORGANIZATION);
    let recent: Vec<i64> = store.tuples(&recent.select_only().column(Column::Id)).await?;
    Ok(recent.len() as u64 >= MAX_OF_ORGANIZATION)
}

/// The statement that removes the mails of a user.
#[expect(clippy::disallowed_methods, reason = "mails belong to users")]
pub(super) fn of_user(user: i64) -> DeleteMany<Entity> {
    Entity::delete_many().filter(Column::UserId.eq(user))
}

/// Removes old rows.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "the queue belongs to the server")]
pub(crate) async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let old = Column::CreatedAt.lt(now - RETENTION);
    store.run(&Entity::delete_many().filter(old)).await?;
    Ok(())
}

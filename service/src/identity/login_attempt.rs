//! Sign-in attempts: every attempt is stored before its password is verified, and too many failures lock further
//! attempts for a while. The limits are the same for unknown e-mail addresses.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Error, Result},
    reason::Reason,
    store::Store,
    value::{Kind, Value},
};
use entity::identity::login_attempt::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DeleteMany, EntityTrait, Insert, QueryFilter,
    QuerySelect, Select, UpdateMany, sea_query::Expr,
};

/// Period in which failures count.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Period in which failures for an e-mail address count, whatever address they come from.
const SLOW_WINDOW: TimeDelta = TimeDelta::hours(1);

/// Maximum number of failures for an e-mail address from one network.
pub const MAX_FAILURES: i64 = 5;

/// Maximum number of failures from one network, which many people may share.
pub const MAX_FAILURES_OF_NETWORK: i64 = 100;

/// Maximum number of failures for an e-mail address from all networks, in an hour.
pub const MAX_FAILURES_OF_EMAIL: i64 = 50;

/// Interval at which attempts during a lock are stored.
const LOCKED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How long attempts are kept.
pub const RETENTION: TimeDelta = TimeDelta::days(90);

/// Maximum stored length of a user agent, in characters.
const MAX_AGENT_LENGTH: usize = 500;

/// Maximum stored length of an e-mail address, in characters.
const MAX_EMAIL_LENGTH: usize = 320;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Client {
    /// Address of the client, as seen by the server or a trusted proxy.
    pub address: IpAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

impl Client {
    /// The user agent, without control characters and at most 500 characters long.
    pub(super) fn agent(&self) -> Option<String> {
        let agent = self.user_agent.as_deref()?;
        Some(agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT_LENGTH).collect())
    }

    /// The network whose failures count together: an IPv4 address, or a /64 network of IPv6, which one client has.
    fn network(&self) -> String {
        match self.address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

/// Why an attempt failed (`login_attempts.failure_reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    UnknownEmail,
    BadPassword,
    Locked,
    Suspended,
}

/// The attempt has not ended: it counts as a failure, so that concurrent attempts don't exceed the limits.
const PENDING: &str = "pending";

impl Failure {
    fn name(self) -> &'static str {
        match self {
            Self::UnknownEmail => "unknown_email",
            Self::BadPassword => "bad_password",
            Self::Locked => "locked",
            Self::Suspended => "suspended",
        }
    }
}

/// Stores the beginning of an attempt and returns its primary key.
///
/// # Errors
/// [`Error::RateLimited`] if there were too many failures.
pub(super) async fn begin(
    store: &Store,
    email: &str,
    client: &Client,
    now: DateTime<Utc>,
) -> Result<i64> {
    let row = attempt(email, client, now, Some(PENDING));
    let id = row.insert(store.write()).await?.id;
    let Some(window) = lock(store, &stored(email), &client.network(), now).await? else {
        return Ok(id);
    };
    // One row per minute shows that attempts continue. More would let any client fill the table.
    let rows: Vec<i64> = store.tuples(&locked_since(email, client, now - LOCKED_EVERY)).await?;
    if rows.is_empty() {
        store.run(&ended(id, Some(Failure::Locked), now)).await?;
    } else {
        store.run(&removed(id)).await?;
    }
    let minutes = window.num_minutes();
    Err(Error::RateLimited {
        reason: Reason::SignInLocked,
        message: format!("too many failed attempts; try again in {minutes} minutes"),
        retry_after: window.num_seconds().try_into().unwrap_or(u32::MAX),
    })
}

/// The statement that removes an attempt that has not been verified.
#[expect(clippy::disallowed_methods, reason = "attempts belong to no organization")]
pub(super) fn removed(id: i64) -> DeleteMany<Entity> {
    Entity::delete_many().filter(Column::Id.eq(id))
}

/// A rejected attempt for this address from this network, since this time.
#[expect(clippy::disallowed_methods, reason = "attempts belong to no organization")]
fn locked_since(email: &str, client: &Client, since: DateTime<Utc>) -> Select<Entity> {
    Entity::find()
        .filter(Column::Email.eq(stored(email)))
        .filter(Column::Network.eq(client.network()))
        .filter(Column::AttemptedAt.gt(since))
        .filter(Column::FailureReason.eq(Failure::Locked.name()))
        .limit(1)
        .select_only()
        .column(Column::Id)
}

/// The statement that stores a successful attempt without a password, with a link.
pub(super) fn succeeded(email: &str, client: &Client, now: DateTime<Utc>) -> Insert<ActiveModel> {
    Entity::insert(attempt(email, client, now, None))
}

fn attempt(email: &str, client: &Client, now: DateTime<Utc>, failure: Option<&str>) -> ActiveModel {
    let at = now.fixed_offset();
    ActiveModel {
        email: Set(stored(email)),
        ip_address: Set(client.address.to_canonical().to_string()),
        network: Set(client.network()),
        user_agent: Set(client.agent()),
        success: Set(failure.is_none()),
        failure_reason: Set(failure.map(str::to_owned)),
        attempted_at: Set(at),
        created_at: Set(at),
        updated_at: Set(at),
        ..Default::default()
    }
}

/// The stored form of the e-mail address of an attempt, which need not be an address.
fn stored(email: &str) -> String {
    email.chars().filter(|c| !c.is_control()).take(MAX_EMAIL_LENGTH).collect()
}

/// The period after which an attempt may succeed, if there were too many failures, including the attempt that has just
/// begun.
async fn lock(
    store: &Store,
    email: &str,
    network: &str,
    now: DateTime<Utc>,
) -> Result<Option<TimeDelta>> {
    let failed = "SELECT COUNT(*) FROM \"login_attempts\" a WHERE NOT a.\"success\" \
                  AND a.\"failure_reason\" <> 'locked'";
    let succeeded =
        "SELECT COALESCE(MAX(s.\"id\"), 0) FROM \"login_attempts\" s WHERE s.\"success\"";
    let sql = format!(
        "SELECT ({failed} AND a.\"email\" = {{}} AND a.\"network\" = {{}} AND a.\"attempted_at\" > {{}} \
         AND a.\"id\" > ({succeeded} AND s.\"email\" = {{}} AND s.\"network\" = {{}})), \
         ({failed} AND a.\"network\" = {{}} AND a.\"attempted_at\" > {{}}), \
         ({failed} AND a.\"email\" = {{}} AND a.\"attempted_at\" > {{}} \
         AND a.\"id\" > ({succeeded} AND s.\"email\" = {{}}))"
    );
    let since = Value::Time(now - WINDOW).bind(Kind::Time);
    let binds = vec![
        email.into(),
        network.into(),
        since.clone(),
        email.into(),
        network.into(),
        network.into(),
        since,
        email.into(),
        Value::Time(now - SLOW_WINDOW).bind(Kind::Time),
        email.into(),
    ];
    let rows = store.query(&sql, binds).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let count = |place: usize| row.try_get_by_index::<i64>(place);
    if count(2)? > MAX_FAILURES_OF_EMAIL {
        return Ok(Some(SLOW_WINDOW));
    }
    let is_locked = count(0)? > MAX_FAILURES || count(1)? > MAX_FAILURES_OF_NETWORK;
    Ok(is_locked.then_some(WINDOW))
}

/// The statement that stores the result of an attempt.
#[expect(clippy::disallowed_methods, reason = "attempts belong to no organization")]
pub(super) fn ended(id: i64, failure: Option<Failure>, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Success, Expr::value(failure.is_none()))
        .col_expr(Column::FailureReason, Expr::value(failure.map(Failure::name)))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
}

/// Deletes attempts that are older than their retention period.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "attempts belong to no organization")]
pub(crate) async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let old = Column::AttemptedAt.lt(now - RETENTION);
    store.run(&Entity::delete_many().filter(old)).await?;
    Ok(())
}

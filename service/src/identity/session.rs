//! Sessions of signed-in users. The token of a session is given out once; only its hash is stored.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    authentication::Credential,
    error::{Error, Problem, Result},
    reason::Reason,
    scope::Scope,
    store::Store,
    write::Unit,
};
use entity::identity::user_session::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, UpdateMany, sea_query::Expr,
};

use super::{accounts::Accounts, login_attempt::Client, secret};

/// Time after which a session ends, however often it is used.
pub const DURATION: TimeDelta = TimeDelta::days(30);

/// Time without a request after which a session ends.
pub const IDLE: TimeDelta = TimeDelta::days(7);

/// Maximum number of sessions that are revoked at once.
const MAX_REVOKED: usize = 100;

/// How long ended sessions are kept.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// A session that has just begun.
#[derive(Clone)]
pub struct NewSession {
    /// The token, which can't be retrieved again.
    pub token: String,
    /// Time at which the session ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Time until then.
    pub lifetime: TimeDelta,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the token.
        f.debug_struct("NewSession").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A session of the user of a scope.
#[derive(Clone, Debug)]
pub struct UserSession {
    /// Primary key.
    pub id: i64,
    /// Address of the client when the session began.
    pub ip_address: Option<String>,
    /// User agent of the client when the session began.
    pub user_agent: Option<String>,
    /// Time of the beginning.
    pub created_at: DateTime<Utc>,
    /// Time of the last request, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// Time at which the session ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Whether the current request uses this session.
    pub is_current: bool,
}

/// Begins a session of a user in an organization.
pub(super) async fn begin(
    unit: &Unit,
    user: i64,
    organization: i64,
    client: &Client,
    expires_at: DateTime<Utc>,
) -> Result<NewSession> {
    let token = secret::token()?;
    let now = unit.now().fixed_offset();
    let row = ActiveModel {
        user_id: Set(user),
        organization_id: Set(organization),
        token_hash: Set(secret::hash(&token)),
        ip_address: Set(Some(client.address.to_canonical().to_string())),
        user_agent: Set(client.agent()),
        last_seen_at: Set(now),
        expires_at: Set(expires_at.fixed_offset()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    unit.run(&Entity::insert(row)).await?;
    Ok(NewSession { token, expires_at, lifetime: expires_at - unit.now() })
}

/// The current sessions of the user of the scope, newest first.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn list(scope: &Scope) -> Result<Vec<UserSession>> {
    // An API key of the user does not show where the user has signed in.
    let Ok(user) = signed_in(scope) else { return Ok(Vec::new()) };
    let now = scope.now();
    let open = find(open_sessions(user))
        .filter(Column::ExpiresAt.gt(now))
        .filter(Column::LastSeenAt.gt(now - IDLE))
        .order_by_desc(Column::Id)
        .select_only()
        .columns([Column::Id, Column::IpAddress, Column::UserAgent, Column::CreatedAt])
        .columns([Column::LastSeenAt, Column::ExpiresAt]);
    let rows = scope.store().tuples(&open).await?;
    let session =
        |(id, ip_address, user_agent, created_at, last_seen_at, expires_at)| UserSession {
            id,
            ip_address,
            user_agent,
            created_at,
            last_seen_at,
            expires_at,
            is_current: scope.credential() == Some(Credential::Session(id)),
        };
    Ok(rows.into_iter().map(session).collect())
}

impl Accounts {
    /// Ends the session with this token, which a new one replaces in the same browser. It may have ended already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database doesn't respond.
    pub async fn end_session(&self, token: &str) -> Result<()> {
        let replaced = Condition::all()
            .add(Column::TokenHash.eq(secret::hash(token)))
            .add(Column::RevokedAt.is_null());
        self.store.run(&revoke(replaced, self.clock.now())).await?;
        self.sessions.expect_changes();
        Ok(())
    }

    /// Revokes sessions of the user of the scope; returns their number.
    ///
    /// # Errors
    /// [`Error::Refused`] if one of them is not a current session of the user, after which none has been revoked, or if the
    /// caller is not signed in.
    pub async fn revoke_sessions(&self, scope: &Scope, sessions: &[i64]) -> Result<u64> {
        let user = signed_in(scope)?;
        if sessions.len() > MAX_REVOKED {
            let message = format!("at most {MAX_REVOKED} sessions can be revoked at once");
            return Err(Problem::invalid(Reason::TooManyItems, "sessionIds", message).into());
        }
        let distinct: HashSet<i64> = sessions.iter().copied().collect();
        let own = open_sessions(user).add(Column::Id.is_in(distinct.iter().copied()));
        let unit = Unit::begin(&self.scope(scope.organization(), scope.actor().clone())).await?;
        let revoked = unit.run(&revoke(own, unit.now())).await?;
        if revoked != distinct.len() as u64 {
            return Err(Problem::not_found("sessionIds", "session").into());
        }
        unit.commit().await?;
        self.sessions.expect_changes();
        Ok(revoked)
    }
}

/// The user of a scope that belongs to a session.
///
/// # Errors
/// [`Error::Refused`] if the caller uses an API key, or none.
pub(super) fn signed_in(scope: &Scope) -> Result<i64> {
    if let (Some(Credential::Session(_)), Some(user)) = (scope.credential(), scope.user()) {
        Ok(user)
    } else {
        let message = "this requires a signed-in user; sign in at /sign-in";
        Err(Problem::conflict(Reason::SessionRequired, "", message).into())
    }
}

/// The time at which a session ends at the latest.
pub(super) async fn end_of(unit: &Unit, session: i64) -> Result<DateTime<Utc>> {
    let end = find(Condition::all().add(Column::Id.eq(session)));
    let end = unit.tuple::<DateTime<Utc>, _>(end.select_only().column(Column::ExpiresAt)).await?;
    end.ok_or_else(|| Error::internal("session was deleted"))
}

/// The sessions of a user that have not been revoked.
pub(super) fn open_sessions(user: i64) -> Condition {
    Condition::all().add(Column::UserId.eq(user)).add(Column::RevokedAt.is_null())
}

/// The sessions of a user in an organization that have not been revoked.
pub(super) fn open_sessions_in(user: i64, organization: i64) -> Condition {
    open_sessions(user).add(Column::OrganizationId.eq(organization))
}

/// The condition that a session is not this one.
pub(super) fn is_not(session: &NewSession) -> sea_orm::sea_query::Expr {
    Column::TokenHash.ne(secret::hash(&session.token))
}

/// The statement that revokes sessions.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
pub(super) fn revoke(which: Condition, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(which)
}

/// The statement after which all servers look up the sessions again, because the role of their user has changed.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
pub(super) fn touch(which: Condition, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(now)).filter(which)
}

#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
fn find(which: Condition) -> Select<Entity> {
    Entity::find().filter(which)
}

/// Deletes sessions that ended long ago.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
pub(crate) async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let old = Column::ExpiresAt.lt(now - RETENTION);
    store.run(&Entity::delete_many().filter(old)).await?;
    Ok(())
}

//! Authentication by session, with a cache.
//!
//! Every write that affects a session also sets its `updated_at`. A server asks twice a second, in one statement for all
//! sessions, which have been written recently, and forgets those. A request of a known session costs no other statement.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    authentication::{Credential, Identity},
    clock::Clock,
    error::Result,
    policy::Role,
    scope::Actor,
    store::Store,
};
use entity::identity::user_session::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, UpdateMany, sea_query::Expr};
use tokio::sync::Semaphore;

use super::{secret, session};

/// Interval at which a server asks for sessions that have been revoked or changed.
const ASKED_EVERY: TimeDelta = TimeDelta::milliseconds(500);

/// Age of the last answer up to which requests use it while another one asks.
const MAX_AGE: TimeDelta = TimeDelta::milliseconds(900);

/// How far the clocks of servers may differ, including the duration of a transaction.
const SKEW: TimeDelta = TimeDelta::seconds(5);

/// TTL of a cached session.
const KNOWN_FOR: TimeDelta = TimeDelta::seconds(30);

/// Resolution of the time of the last request.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Maximum number of cached sessions.
const REMEMBERED: usize = 10_000;

/// Looks up sessions and caches them.
#[derive(Clone)]
pub struct SessionCache {
    store: Store,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<HashMap<String, KnownSession>>>,
    /// Time of the last answered question for changed sessions.
    asked_at: Arc<Mutex<Option<DateTime<Utc>>>>,
    /// Limits questions to one at a time.
    asking: Arc<Semaphore>,
    /// Limits updates of the time of the last request to one at a time.
    noting: Arc<Semaphore>,
}

#[derive(Clone)]
struct KnownSession {
    identity: Identity,
    session: i64,
    seen_at: DateTime<Utc>,
    read_at: DateTime<Utc>,
}

impl SessionCache {
    /// Creates a cache of the sessions in `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            known: Arc::default(),
            asked_at: Arc::default(),
            asking: Arc::new(Semaphore::new(1)),
            noting: Arc::new(Semaphore::new(1)),
        }
    }

    /// The identity behind the session with this token; `None` if it is unknown, revoked or expired.
    ///
    /// # Errors
    /// [`engine::Error::Unavailable`] if the database doesn't respond.
    pub async fn identity(&self, token: &str) -> Result<Option<Identity>> {
        if !secret::is_token(token) {
            return Ok(None);
        }
        let hash = secret::hash(token);
        let now = self.clock.now();
        self.forget_changed(now).await?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let known = match known.filter(|known| now - known.read_at < KNOWN_FOR) {
            Some(known) => Some(known),
            None => self.look_up(&hash, now).await?,
        };
        let open = known.filter(|known| {
            known.identity.expires_at.is_none_or(|end| now < end)
                && now - known.seen_at < session::IDLE
        });
        if let Some(known) = &open
            && now - known.seen_at >= NOTED_EVERY
        {
            self.note_request(&hash, known.session, now);
        }
        Ok(open.map(|known| known.identity))
    }

    /// Makes the next request ask for changed sessions, after a write by this server.
    pub fn expect_changes(&self) {
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = asked_at.as_mut() {
            *at -= MAX_AGE;
        }
    }

    /// Forgets the sessions that have been written since the last question. While another request asks, an answer that is
    /// not too old is enough.
    async fn forget_changed(&self, now: DateTime<Utc>) -> Result<()> {
        let age = |asked_at: Option<DateTime<Utc>>| asked_at.map(|at| now - at);
        if age(self.asked_at()).is_some_and(|age| age < ASKED_EVERY) {
            return Ok(());
        }
        let turn = match self.asking.try_acquire() {
            Ok(turn) => Some(turn),
            Err(_) if age(self.asked_at()).is_some_and(|age| age < MAX_AGE) => return Ok(()),
            Err(_) => self.asking.acquire().await.ok(),
        };
        let asked_at = self.asked_at();
        if turn.is_none() || age(asked_at).is_some_and(|age| age < ASKED_EVERY) {
            return Ok(());
        }
        // The first question finds nothing to forget.
        let since = asked_at.unwrap_or(now) - SKEW;
        let changed: Vec<String> = self.store.tuples(&changed_since(since)).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for hash in changed {
            known.remove(&hash);
        }
        drop(known);
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    fn asked_at(&self) -> Option<DateTime<Utc>> {
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_up(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<KnownSession>> {
        let sql = "SELECT s.\"id\", s.\"user_id\", s.\"organization_id\", m.\"role\", \
                   COALESCE(u.\"name\", u.\"email\"), s.\"expires_at\", s.\"last_seen_at\", m.\"id\" \
                   FROM \"user_sessions\" s \
                   JOIN \"users\" u ON u.\"id\" = s.\"user_id\" AND u.\"deleted_at\" IS NULL \
                   AND u.\"suspended_at\" IS NULL \
                   JOIN \"memberships\" m ON m.\"user_id\" = s.\"user_id\" \
                   AND m.\"organization_id\" = s.\"organization_id\" AND m.\"status\" = 'active' \
                   JOIN \"organizations\" o ON o.\"id\" = s.\"organization_id\" \
                   AND o.\"deleted_at\" IS NULL \
                   WHERE s.\"token_hash\" = {} AND s.\"revoked_at\" IS NULL";
        let rows = self.store.query(sql, vec![hash.into()]).await?;
        let Some(row) = rows.first() else {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
            return Ok(None);
        };
        let Some(role) = Role::of(&row.try_get_by_index::<String>(3)?) else { return Ok(None) };
        let name: String = row.try_get_by_index(4)?;
        let session = row.try_get_by_index(0)?;
        let identity = Identity {
            credential: Credential::Session(session),
            user: row.try_get_by_index(1)?,
            organization: row.try_get_by_index(2)?,
            membership: row.try_get_by_index(7)?,
            actor: Actor::Person(name.chars().take(255).collect()),
            role,
            rows: role.rows(),
            expires_at: row.try_get_by_index(5)?,
        };
        let seen_at = row.try_get_by_index(6)?;
        let known = KnownSession { identity, session, seen_at, read_at: now };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(hash.to_owned(), known.clone());
        Ok(Some(known))
    }

    /// Updates the time of the last request in the background, without delaying the request.
    fn note_request(&self, hash: &str, session: i64, now: DateTime<Utc>) {
        let Ok(turn) = Arc::clone(&self.noting).try_acquire_owned() else { return };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(hash) {
            known.seen_at = now;
        }
        drop(all);
        let store = self.store.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "one at a time, and no request waits for it"
        )]
        tokio::spawn(async move {
            let _turn = turn;
            if let Err(error) = store.run(&last_seen(session, now)).await {
                tracing::debug!(%error, "can't update the time of the last request of a session");
            }
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "sessions are found by their hash")]
fn changed_since(since: DateTime<Utc>) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::UpdatedAt.gte(since)).select_only().column(Column::TokenHash)
}

#[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
fn last_seen(session: i64, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(now))
        .filter(Column::Id.eq(session))
}

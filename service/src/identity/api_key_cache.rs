//! Authentication by API key, with a cache.

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
use entity::identity::api_key::{Column, Entity};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Select, UpdateMany,
    sea_query::Expr,
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::{api_key, secret};

/// TTL of a cached key. A revoked key may still be accepted for this long.
pub const KNOWN_FOR: TimeDelta = TimeDelta::seconds(2);

/// Resolution of the last-used timestamp.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Maximum number of cached keys.
const REMEMBERED: usize = 10_000;

/// Looks up API keys and caches them briefly.
#[derive(Clone)]
pub struct ApiKeyCache {
    store: Store,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<HashMap<String, KnownKey>>>,
    /// Limits updates of the last-used timestamp to one at a time, so that updates don't accumulate behind a slow
    /// write.
    noting: Arc<Semaphore>,
}

#[derive(Clone)]
struct KnownKey {
    hash: String,
    key: i64,
    holder: Identity,
    read_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl ApiKeyCache {
    /// Creates a cache of the API keys in `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known: Arc::default(), noting: Arc::new(Semaphore::new(1)) }
    }

    /// Whether there is any valid API key. Without a valid key, authentication is impossible.
    ///
    /// # Errors
    /// [`engine::Error::Unavailable`] if the database doesn't respond.
    pub async fn any(&self) -> Result<bool> {
        let valid = Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(self.clock.now()));
        let valid = all_keys().filter(Column::RevokedAt.is_null()).filter(valid).limit(1);
        let keys: Vec<i64> = self.store.tuples(&valid.select_only().column(Column::Id)).await?;
        Ok(!keys.is_empty())
    }

    /// The identity behind an API key; `None` if it is unknown, revoked or expired, or its user is not an active member.
    ///
    /// # Errors
    /// [`engine::Error::Unavailable`] if the database doesn't respond.
    pub async fn identity(&self, text: &str) -> Result<Option<Identity>> {
        let Some(prefix) = api_key::prefix(text) else { return Ok(None) };
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(prefix).cloned();
        let known = match known.filter(|known| now - known.read_at < KNOWN_FOR) {
            Some(known) => Some(known),
            None => self.look_up(prefix, now).await?,
        };
        let hash = secret::hash(text);
        let known = known
            .filter(|known| bool::from(known.hash.as_bytes().ct_eq(hash.as_bytes())))
            .filter(|known| known.holder.expires_at.is_none_or(|end| now < end));
        if let Some(known) = &known
            && known.used_at.is_none_or(|used| now - used >= NOTED_EVERY)
        {
            self.note_use(prefix, known.key, now);
        }
        Ok(known.map(|known| known.holder))
    }

    async fn look_up(&self, prefix: &str, now: DateTime<Utc>) -> Result<Option<KnownKey>> {
        let sql = "SELECT k.\"id\", k.\"organization_id\", k.\"name\", k.\"kind\", k.\"role\", \
                   k.\"key_hash\", k.\"expires_at\", k.\"last_used_at\", m.\"role\", \
                   COALESCE(u.\"name\", u.\"email\"), k.\"user_id\", m.\"id\" FROM \"api_keys\" k \
                   JOIN \"users\" u ON u.\"id\" = k.\"user_id\" AND u.\"deleted_at\" IS NULL \
                   AND u.\"suspended_at\" IS NULL \
                   JOIN \"memberships\" m ON m.\"user_id\" = k.\"user_id\" \
                   AND m.\"organization_id\" = k.\"organization_id\" AND m.\"status\" = 'active' \
                   JOIN \"organizations\" o ON o.\"id\" = k.\"organization_id\" \
                   AND o.\"deleted_at\" IS NULL \
                   WHERE k.\"key_prefix\" = {} AND k.\"revoked_at\" IS NULL";
        let rows = self.store.query(sql, vec![prefix.into()]).await?;
        let Some(row) = rows.first() else {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(prefix);
            return Ok(None);
        };
        let text = |index: usize| row.try_get_by_index::<String>(index);
        let roles = [Role::of(&text(4)?), Role::of(&text(8)?)];
        let [Some(own), Some(most)] = roles else { return Ok(None) };
        let actor = match text(3)?.as_str() {
            "worker" => Actor::Worker(text(2)?),
            _ => Actor::Person(text(9)?.chars().take(255).collect()),
        };
        let key = row.try_get_by_index(0)?;
        let (role, rows) = own.intersection(most);
        let holder = Identity {
            credential: Credential::ApiKey(key),
            user: row.try_get_by_index(10)?,
            organization: row.try_get_by_index(1)?,
            membership: row.try_get_by_index(11)?,
            actor,
            role,
            rows,
            expires_at: row.try_get_by_index(6)?,
        };
        let used_at = row.try_get_by_index(7)?;
        let known = KnownKey { hash: text(5)?, key, holder, read_at: now, used_at };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(prefix.to_owned(), known.clone());
        Ok(Some(known))
    }

    /// Updates the last-used timestamp of a key in the background, without delaying the request.
    fn note_use(&self, prefix: &str, key: i64, now: DateTime<Utc>) {
        let Ok(turn) = Arc::clone(&self.noting).try_acquire_owned() else { return };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(prefix) {
            known.used_at = Some(now);
        }
        let store = self.store.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "one at a time, and no request waits for it"
        )]
        tokio::spawn(async move {
            let _turn = turn;
            if let Err(error) = store.run(&last_used(key, now)).await {
                tracing::debug!(%error, "can't update the last-used timestamp of an API key");
            }
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "a server accepts the keys of all organizations")]
fn all_keys() -> Select<Entity> {
    Entity::find()
}

#[expect(clippy::disallowed_methods, reason = "the key has authenticated the request")]
fn last_used(key: i64, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many().col_expr(Column::LastUsedAt, Expr::value(now)).filter(Column::Id.eq(key))
}

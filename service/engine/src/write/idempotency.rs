//! Idempotent requests: a repeated request with the same key and input returns the original response.
//!
//! The idempotency key is written in the transaction of the work. A concurrent request with the same key waits for
//! the first one: on Postgres at the primary key, on SQLite at the single writer.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, Value as Bind};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_128;

use super::Unit;
use crate::{
    error::{Error, Problem, Result},
    scope::Scope,
    store::Store,
    value::{Kind, Value},
};

/// How long an idempotency key is kept.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);

/// The maximum length of an idempotency key, in characters.
const MAX_KEY_LENGTH: usize = 255;

/// Identifies an idempotent request.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    /// The name of the mutation.
    pub mutation: String,
    /// The idempotency key sent by the client.
    pub key: String,
    /// A hash of the input.
    pub input_hash: String,
}

/// Hashes an input.
#[must_use]
pub fn hash(input: &str) -> String {
    format!("{:032x}", xxh3_128(input.as_bytes()))
}

/// Deletes expired idempotency keys.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn expire(store: &Store, now: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM \"idempotency_keys\" WHERE \"created_at\" < {}";
    let before = Value::Time(now - RETENTION).bind(Kind::Time);
    store.write().execute_raw(store.engine().statement(sql, vec![before])).await?;
    Ok(())
}

/// Runs `work` in a transaction and commits it. If `once` is given, `work` is committed at most once per idempotency
/// key.
///
/// # Errors
/// Returns the error of `work`, after which nothing has been written, or [`Error::Refused`] if the key was used
/// with another input.
pub async fn run<T, W>(scope: &Scope, once: Option<IdempotentRequest>, work: W) -> Result<T>
where
    T: Serialize + DeserializeOwned,
    W: for<'u> FnOnce(&'u mut Unit) -> BoxFuture<'u, Result<T>>,
{
    let mut unit = Unit::begin(scope).await?;
    if let Some(once) = &once
        && let Some(answer) = begin(&mut unit, once).await?
    {
        // The original request may still be waiting for the replica.
        scope.store().wait_until_replicated().await;
        return serde_json::from_value(answer).map_err(|error| Error::Internal(Box::new(error)));
    }
    let done = match work(&mut unit).await {
        // The error may reveal recent writes of other clients, which reads from the replica must then show.
        Err(refused @ (Error::Refused(_) | Error::Conflict(..))) => {
            scope.store().wait_until_replicated().await;
            return Err(refused);
        }
        done => done?,
    };
    if let Some(once) = &once {
        let answer =
            serde_json::to_value(&done).map_err(|error| Error::Internal(Box::new(error)))?;
        end(&mut unit, once, answer).await?;
    }
    unit.commit().await?;
    Ok(done)
}

/// Claims the key; returns the original response if it was claimed before.
async fn begin(unit: &mut Unit, once: &IdempotentRequest) -> Result<Option<Json>> {
    if once.key.is_empty() || once.key.chars().count() > MAX_KEY_LENGTH || once.key.contains('\0') {
        let message =
            format!("an idempotency key must have 1 to {MAX_KEY_LENGTH} characters and no NUL");
        return Err(
            Problem::invalid(crate::Reason::ValueInvalid, "idempotency_key", message).into()
        );
    }
    let place = place(unit, once);
    loop {
        let mut binds = place.clone();
        binds.push(once.input_hash.clone().into());
        binds.push(Value::Time(unit.now()).bind(Kind::Time));
        let sql = "INSERT INTO \"idempotency_keys\" (\"organization_id\", \"actor\", \"mutation\", \
                   \"key\", \"input_hash\", \"created_at\") VALUES ({}, {}, {}, {}, {}, {}) \
                   ON CONFLICT DO NOTHING";
        if unit.execute(sql, binds).await? > 0 {
            return Ok(None);
        }
        let sql = "SELECT \"input_hash\", \"answer\", \"created_at\" FROM \"idempotency_keys\" \
                   WHERE \"organization_id\" = {} AND \"actor\" = {} AND \"mutation\" = {} \
                   AND \"key\" = {}";
        let rows = unit.query(sql, place.clone()).await?;
        // The key expired and was deleted in the meantime.
        let Some(row) = rows.first() else { continue };
        let made: DateTime<Utc> = row.try_get_by_index(2)?;
        if made + RETENTION < unit.now() {
            let sql = "DELETE FROM \"idempotency_keys\" WHERE \"organization_id\" = {} \
                       AND \"actor\" = {} AND \"mutation\" = {} AND \"key\" = {}";
            unit.execute(sql, place.clone()).await?;
            continue;
        }
        if row.try_get_by_index::<String>(0)? != once.input_hash {
            let message = "this idempotency key was used with another input; use a new key";
            return Err(Problem::conflict(
                crate::Reason::IdempotencyKeyReused,
                "idempotency_key",
                message,
            )
            .into());
        }
        let answer: Option<Json> = row.try_get_by_index(1)?;
        return answer
            .map(Some)
            .ok_or_else(|| Error::internal("the idempotency record has no response"));
    }
}

async fn end(unit: &mut Unit, once: &IdempotentRequest, answer: Json) -> Result<()> {
    let mut binds = vec![Value::Json(answer).bind(Kind::Json)];
    binds.extend(place(unit, once));
    let sql = "UPDATE \"idempotency_keys\" SET \"answer\" = {} WHERE \"organization_id\" = {} \
               AND \"actor\" = {} AND \"mutation\" = {} AND \"key\" = {}";
    unit.execute(sql, binds).await?;
    Ok(())
}

fn place(unit: &Unit, once: &IdempotentRequest) -> Vec<Bind> {
    let scope = unit.scope();
    vec![
        scope.organization().into(),
        scope.identity().into(),
        once.mutation.clone().into(),
        once.key.clone().into(),
    ]
}

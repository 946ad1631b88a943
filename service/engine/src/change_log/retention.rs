//! Change log maintenance: epoch and retention.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::position::{Position, State};
use crate::{
    error::Result,
    store::{Engine, Store},
    value::{Kind, Value},
};

/// Default retention period in days.
pub const RETENTION_DAYS: u32 = 400;

/// Number of entries deleted per statement.
const CHUNK: i64 = 10_000;

/// Checks whether the database has moved to another cluster, with different transaction numbers, since the change log
/// was last opened. If so, starts a new epoch. Called on server start.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database doesn't respond.
pub async fn open(store: &Store) -> Result<()> {
    if store.engine() == Engine::Sqlite {
        return Ok(());
    }
    let cluster = cluster(store).await?;
    let transaction = store.begin().await?;
    let sql = "SELECT l.\"cluster\", COALESCE(pg_current_xact_id()::text::bigint <= (SELECT \
               max(\"transaction_number\") FROM \"changes\" c WHERE c.\"epoch\" = l.\"epoch\"), false) \
               FROM \"change_log\" l WHERE l.\"id\" = 1 FOR UPDATE";
    let rows = transaction.query_all_raw(store.engine().statement(sql, Vec::new())).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let known: String = row.try_get_by_index(0)?;
    let (moved, back) = (known != cluster, row.try_get_by_index::<bool>(1)?);
    if moved || back {
        let step = i32::from(back || !known.is_empty());
        let sql = "UPDATE \"change_log\" SET \"cluster\" = {}, \"epoch\" = \"epoch\" + {} WHERE \"id\" = 1";
        let binds = vec![cluster.into(), step.into()];
        transaction.execute_raw(store.engine().statement(sql, binds)).await?;
    }
    Ok(transaction.commit().await?)
}

/// Identifier of the cluster; empty if the database doesn't provide one.
async fn cluster(store: &Store) -> Result<String> {
    let sql = "SELECT has_function_privilege('pg_control_system()', 'execute') \
               AND has_function_privilege('pg_control_checkpoint()', 'execute')";
    let rows = store.query(sql, Vec::new()).await?;
    let may = rows.first().map(|row| row.try_get_by_index::<bool>(0)).transpose()?;
    if may != Some(true) {
        return Ok("unknown".to_owned());
    }
    // The timeline changes on failover to another server, which may have lost the most recent transaction numbers.
    let sql = "SELECT s.system_identifier::text || '/' || c.timeline_id::text \
               FROM pg_control_system() s, pg_control_checkpoint() c";
    let rows = store.query(sql, Vec::new()).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
}

/// Deletes entries older than `days` days. Returns the number of deleted entries.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database doesn't respond.
pub async fn expire(store: &Store, now: DateTime<Utc>, days: u32) -> Result<u64> {
    let engine = store.engine();
    let time = |time: DateTime<Utc>| Value::Time(time).bind(Kind::Time);
    let before = now - TimeDelta::days(days.into());
    let mut gone = 0;
    loop {
        let transaction = store.begin().await?;
        // Deletion starts at the oldest position and never skips a retained entry, so the remaining entries have no
        // gaps.
        let sql = "SELECT \"epoch\", \"transaction_number\", \"id\" FROM (SELECT \"epoch\", \
                   \"transaction_number\", \"id\", \"created_at\" FROM \"changes\" \
                   ORDER BY \"epoch\", \"transaction_number\", \"id\" LIMIT {}) o \
                   WHERE \"created_at\" < {} \
                   ORDER BY \"epoch\" DESC, \"transaction_number\" DESC, \"id\" DESC LIMIT 1";
        let statement = engine.statement(sql, vec![CHUNK.into(), time(before)]);
        let rows = transaction.query_all_raw(statement).await?;
        let Some(last) = rows.first().map(|row| State::position(row, 0)).transpose()?.flatten()
        else {
            return Ok(gone);
        };
        let Position { epoch, transaction: number, id } = last;
        let place = vec![epoch.into(), number.into(), id.into()];
        let sql = "DELETE FROM \"changes\" WHERE \
                   (\"epoch\", \"transaction_number\", \"id\") <= ({}, {}, {})";
        let deleted = transaction.execute_raw(engine.statement(sql, place.clone())).await?;
        let sql = "UPDATE \"change_log\" SET \"expired_epoch\" = {}, \
                   \"expired_transaction_number\" = {}, \"expired_id\" = {} WHERE \"id\" = 1 AND \
                   (\"expired_epoch\", \"expired_transaction_number\", \"expired_id\") < ({}, {}, {})";
        let mut values: Vec<sea_orm::Value> =
            vec![i32::try_from(epoch).unwrap_or(i32::MAX).into(), number.into(), id.into()];
        values.extend(place);
        let place = values;
        transaction.execute_raw(engine.statement(sql, place)).await?;
        transaction.commit().await?;
        gone += deleted.rows_affected();
    }
}

//! Reads new entries of the change log: one task per server, for all subscribers.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{QueryResult, Value as Bind};
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{
    sync::{broadcast, watch},
    time::{sleep, timeout},
};

use super::{
    ChangeNotification, MatchChange, SubscribeOptions, kind,
    position::{Position, State},
};
use crate::{
    error::{Error, Result},
    read::BELOW_WATERMARK,
    store::{Engine, Store},
};

/// Number of entries read per statement.
pub(super) const CHUNK: usize = 500;

/// Poll interval without notifications.
pub(super) const IDLE: Duration = Duration::from_secs(1);

/// Poll interval while committed entries are still above the watermark.
const WATERMARK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Minimum interval between two notifications of a server.
const NOTIFY_EVERY: Duration = Duration::from_millis(5);

/// Notification channel.
const CHANNEL: &str = "salesgraph_changes";

/// The task that reads new entries.
pub(super) struct Reader {
    store: Store,
    position: Position,
    listener: Option<PgListener>,
    signal: watch::Receiver<()>,
    sender: broadcast::Sender<Arc<[ChangeNotification]>>,
}

impl Reader {
    /// Starts a reader at the current position.
    pub(super) async fn begin(
        store: Store,
        sender: broadcast::Sender<Arc<[ChangeNotification]>>,
    ) -> Result<Self> {
        let signal = store.signal().listen();
        let listener = match store.postgres() {
            Some(pool) => {
                // A dedicated connection: a listening connection must not return to the pool.
                let options = pool.connect_options().as_ref().clone();
                let alone = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
                let mut listener = PgListener::connect_with(&alone).await.map_err(lost)?;
                listener.listen(CHANNEL).await.map_err(lost)?;
                Some(listener)
            }
            None => None,
        };
        let position = settled(&store).await?;
        Ok(Self { store, position, listener, signal, sender })
    }

    /// Reads and publishes entries indefinitely.
    pub(super) async fn run(mut self) {
        loop {
            let unsettled = match self.hand_out().await {
                Ok(unsettled) => unsettled,
                Err(error) => {
                    tracing::warn!(%error, "can't read the change log; retrying");
                    sleep(IDLE).await;
                    false
                }
            };
            let wait = if unsettled { WATERMARK_POLL_INTERVAL } else { IDLE };
            let changed = self.signal.changed();
            match &mut self.listener {
                Some(listener) => tokio::select! {
                    _ = changed => {}
                    told = timeout(wait, listener.recv()) => if let Ok(Err(_)) = told {
                        // The listener reconnects by itself on the next call.
                        sleep(WATERMARK_POLL_INTERVAL).await;
                    },
                },
                None => {
                    let _ = timeout(wait, changed).await;
                }
            }
        }
    }

    /// Publishes all new entries. Returns whether there are more entries that can't be read yet.
    async fn hand_out(&mut self) -> Result<bool> {
        loop {
            let found =
                after(&self.store, self.position, None, &SubscribeOptions::default()).await?;
            let Some(last) = found.last() else { break };
            self.position = last.position;
            let more = found.len() == CHUNK;
            // There may be no subscribers.
            let _ = self.sender.send(found.into());
            if !more {
                break;
            }
        }
        if self.store.engine() == Engine::Sqlite {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM \"changes\" WHERE \"epoch\" = (SELECT \"epoch\" FROM \
                   \"change_log\") AND \"transaction_number\" >= \
                   pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";
        let rows = self.store.query(sql, Vec::new()).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
    }
}

/// Creation time of the oldest entry that can't be read yet.
pub(super) async fn waits_since(store: &Store) -> Result<Option<DateTime<Utc>>> {
    if store.engine() == Engine::Sqlite {
        return Ok(None);
    }
    let sql = "SELECT min(\"created_at\") FROM \"changes\" WHERE \"epoch\" = (SELECT \"epoch\" FROM \
               \"change_log\") AND \"transaction_number\" >= \
               pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let rows = store.query(sql, Vec::new()).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.flatten())
}

/// A transaction that blocks subscribers: entries committed after the start of the transaction can't be read yet.
#[derive(Clone, Debug)]
pub struct Stalled {
    /// Age of the oldest blocked entry.
    pub waits: TimeDelta,
    /// Descriptions of the oldest transactions in the cluster, including prepared transactions.
    pub holders: Vec<String>,
}

/// Minimum age of a blocked entry at which subscribers count as stalled.
const STALLED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How long subscribers have been blocked, and by which transactions; `None` if they have not been blocked for more
/// than a minute.
///
/// # Errors
/// [`Error::Unavailable`] if the database doesn't respond.
pub async fn stalled(store: &Store, now: DateTime<Utc>) -> Result<Option<Stalled>> {
    let Some(since) = waits_since(store).await?.filter(|since| now - *since > STALLED_AFTER) else {
        return Ok(None);
    };
    let sql = "SELECT told FROM (\
               SELECT age(\"transaction\") AS age, 'the prepared transaction ' || quote_literal(gid) || ' of ' || owner || \
               ' in the database ' || database || ', since ' || prepared::timestamptz(0)::text AS told FROM pg_prepared_xacts \
               UNION ALL SELECT age(backend_xid), 'process ' || pid || ' of ' || COALESCE(usename, '?') || ' (' || \
               COALESCE(NULLIF(application_name, ''), '?') || ', ' || COALESCE(state, '?') || ') in the database ' || \
               COALESCE(datname, '?') || ', since ' || COALESCE(xact_start::timestamptz(0)::text, '?') \
               FROM pg_stat_activity WHERE backend_xid IS NOT NULL) holders ORDER BY age DESC LIMIT 3";
    let rows = store.query(sql, Vec::new()).await?;
    let holders = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    Ok(Some(Stalled { waits: now - since, holders }))
}

/// The readable entries after `position`, of one organization or of all organizations.
pub(super) async fn after(
    store: &Store,
    position: Position,
    organization: Option<i64>,
    wanted: &SubscribeOptions,
) -> Result<Vec<ChangeNotification>> {
    let mut sql =
        "SELECT \"epoch\", \"transaction_number\", \"id\", \"organization_id\", \"entity\", \
                   \"record_id\", \"kind\" FROM \"changes\" t WHERE \
                   (\"epoch\", \"transaction_number\", \"id\") > ({}, {}, {})"
            .to_owned();
    let mut binds: Vec<Bind> =
        vec![position.epoch.into(), position.transaction.into(), position.id.into()];
    if let Some(organization) = organization {
        sql.push_str(" AND \"organization_id\" = {}");
        binds.push(organization.into());
    }
    for (column, words) in [("entity", &wanted.entities), ("kind", &wanted.kinds)] {
        if !words.is_empty() {
            let places = vec!["{}"; words.len()].join(", ");
            let _ = write!(sql, " AND \"{column}\" IN ({places})");
            binds.extend(words.iter().map(|word| Bind::from(*word)));
        }
    }
    if organization.is_some() && wanted.kinds.is_empty() {
        let _ = write!(sql, " AND \"kind\" <> '{}'", kind::PRIVATE);
    }
    if store.engine() == Engine::Postgres {
        sql.push_str(BELOW_WATERMARK);
    }
    sql.push_str(" ORDER BY \"epoch\", \"transaction_number\", \"id\" LIMIT {}");
    binds.push(i64::try_from(CHUNK).unwrap_or(i64::MAX).into());
    let rows = store.query(&sql, binds).await?;
    if !rows.is_empty() {
        // Waits for the read replica, because a subscriber may query the changed row immediately.
        store.wait_until_replicated().await;
    }
    rows.iter().map(notice).collect()
}

fn notice(row: &QueryResult) -> Result<ChangeNotification> {
    let position = State::position(row, 0)?.unwrap_or_default();
    let kind: String = row.try_get_by_index(6)?;
    Ok(ChangeNotification {
        position,
        organization: row.try_get_by_index(3)?,
        entity: row.try_get_by_index(4)?,
        record: row.try_get_by_index(5)?,
        match_change: MatchChange::of_kind(&kind),
        kind,
    })
}

/// The position that precedes all future entries.
pub(super) async fn settled(store: &Store) -> Result<Position> {
    match store.engine() {
        Engine::Sqlite => Ok(State::read(store).await?.head),
        Engine::Postgres => {
            let sql = "SELECT \"epoch\", pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, \
                       9223372036854775807 FROM \"change_log\" WHERE \"id\" = 1";
            let rows = store.query(sql, Vec::new()).await?;
            let position = rows.first().map(|row| State::position(row, 0)).transpose()?.flatten();
            Ok(position.unwrap_or_default())
        }
    }
}

/// Notifies other servers of writes on this server, at a limited rate.
pub(super) async fn notify(store: Store) {
    let mut signal = store.signal().listen();
    loop {
        // This can't fail: the signal exists as long as the store.
        let _ = signal.changed().await;
        let sql = "SELECT pg_notify({}, '')";
        if let Err(error) = store.execute(sql, vec![CHANNEL.into()]).await {
            tracing::warn!(%error, "can't notify other servers of a change");
        }
        sleep(NOTIFY_EVERY).await;
    }
}

fn lost(error: sqlx::Error) -> Error {
    Error::Unavailable(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error))))
}

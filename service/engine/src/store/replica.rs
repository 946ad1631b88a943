//! Reads from a read replica of a Postgres database. Such a read never misses an acknowledged write of any client.
//!
//! A replica shows writes only after a replication lag. After a write has been acknowledged, no client may miss it in a
//! later read, on any server, and without passing a token. Three rules guarantee this:
//!
//! 1. A server reads from the replica only if it has verified, less than [`FRESH`] ago, that the replica shows
//!    everything that had been written by then.
//! 2. A write is acknowledged only when the replica shows it, or when slightly more than [`FRESH`] has passed:
//!    then, by rule 1, no server reads from the replica any more.
//! 3. A server that had to stop reading from the replica resumes after [`STEADY`]. If a writer finds that the
//!    replica is missing something older than [`FRESH`], the writer need not wait: no server reads from the replica
//!    now, and a server that resumes will have verified that the replica shows the write.
//!
//! Replication progress is measured by positions in the write-ahead log
//! (<https://www.postgresql.org/docs/current/functions-admin.html>, Recovery Information Functions).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DbBackend, DbErr, Statement};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{connect::ACQUIRE_TIMEOUT, pooled::PooledConnections};
use crate::error::{Error, Result};

/// The maximum age of the verification that the replica shows everything.
const FRESH: Duration = Duration::from_millis(150);

/// How long the replica must have been up to date before reads from it resume.
const STEADY: Duration = Duration::from_millis(400);

/// How long a write waits for the replica.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often the replica is polled while no write is waiting for it, and while a write is waiting.
const LOOKS: Duration = Duration::from_millis(50);
const LOOKS_FOR_WRITERS: Duration = Duration::from_millis(2);

/// The timeout of a poll.
const LOOK_TIMEOUT: Duration = Duration::from_millis(100);

/// A read replica. See the module documentation.
#[derive(Debug)]
pub(super) struct Replica {
    readers: Arc<PooledConnections>,
    seen: Arc<Seen>,
    watch: tokio::task::AbortHandle,
}

/// The observed state of the replica.
#[derive(Debug)]
struct Seen {
    /// The number of writes that this server has committed.
    written: AtomicU64,
    /// How many of these writes no longer need to wait.
    settled: watch::Sender<Settled>,
    /// Notified when a write starts to wait.
    waits: Notify,
    /// When the replica was last verified to show everything that had been written by then.
    fresh: Mutex<Fresh>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settled {
    /// The number of writes that the replica shows.
    shown: u64,
    /// The number of writes at the last poll in which the replica was too far behind to be read by any server.
    missed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    at: Option<Instant>,
    /// The start of the current uninterrupted period of freshness.
    since: Option<Instant>,
}

impl Fresh {
    fn is_now(self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < FRESH)
    }
}

impl Seen {
    fn fresh(&self) -> std::sync::MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A position in the write-ahead log, with the writes that are known to precede the position.
struct Written {
    position: i64,
    /// `first`: a time by which the position had been reached, taken after the first poll that returned it. `last`: a
    /// time taken before the last poll that returned the position, which includes everything written before then.
    first: Instant,
    last: Instant,
    /// The number of writes of this server up to the position.
    count: u64,
}

impl Replica {
    /// Opens the replica at `url` of the database that `primary` reads.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the server at the URL is not a replica of this database.
    pub(super) async fn open(
        url: &str,
        most: u32,
        statements: &Arc<AtomicU64>,
        primary: Arc<PooledConnections>,
    ) -> Result<Self> {
        let readers = Arc::new(PooledConnections::open(url, most, statements, Some(FRESH)).await?);
        let own = primary.run_quietly(&asking(WHO)).await?;
        let own = own.first().map(who).transpose()?.unwrap_or_default();
        if own.synchronous_commit == "off" {
            tracing::warn!(
                "synchronous_commit is off: acknowledged writes may be missing on the replica"
            );
        }
        match timeout(ACQUIRE_TIMEOUT, other(url)).await {
            Ok(Ok(other)) if other == Who { follows: true, ..own.clone() } => {}
            Ok(Ok(other)) if !other.follows => {
                let text = "the server is not a read replica: it is not in recovery";
                return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "replica", text));
            }
            Ok(Ok(_)) => {
                let text = "the replica belongs to another server or another database";
                return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "replica", text));
            }
            // A replica that is unavailable now is used once it becomes available.
            Ok(Err(_)) | Err(_) => tracing::warn!("the read replica is not available yet"),
        }
        let seen = Arc::new(Seen {
            written: AtomicU64::new(0),
            settled: watch::Sender::default(),
            waits: Notify::new(),
            fresh: Mutex::default(),
        });
        let looks = look_again_and_again(primary, Arc::clone(&readers), Arc::clone(&seen));
        #[expect(
            clippy::disallowed_methods,
            reason = "aborted through its handle when the replica is dropped"
        )]
        let watch = tokio::spawn(looks).abort_handle();
        Ok(Self { readers, seen, watch })
    }

    /// The connection pool of the replica, if it may be read now.
    pub(super) fn readers(&self) -> Option<&PooledConnections> {
        let fresh = *self.seen.fresh();
        let is_steady = fresh.since.is_some_and(|since| since.elapsed() > STEADY);
        (fresh.is_now() && is_steady).then_some(&*self.readers)
    }

    /// The upper bound of the replication lag; `None` if it is unknown.
    pub(super) fn age(&self) -> Option<Duration> {
        self.seen.fresh().at.map(|at| at.elapsed())
    }

    /// Completes when no server can read a state without the writes that were committed before this call.
    pub(super) async fn shows_all(&self) {
        let number = self.seen.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut settled = self.seen.settled.subscribe();
        self.seen.waits.notify_one();
        let mine = settled.wait_for(|all| all.shown >= number || all.missed >= number);
        let _ = timeout(PATIENCE, mine).await;
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.watch.abort();
        self.readers.close().await
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Identifies the cluster and the database of a connection.
const WHO: &str = "SELECT (SELECT system_identifier FROM pg_control_system()), current_database()::text, \
                   pg_is_in_recovery(), current_setting('synchronous_commit')";

#[derive(Clone, Debug, Default)]
struct Who {
    cluster: i64,
    database: String,
    follows: bool,
    synchronous_commit: String,
}

impl PartialEq for Who {
    fn eq(&self, other: &Self) -> bool {
        (self.cluster, &self.database, self.follows)
            == (other.cluster, &other.database, other.follows)
    }
}

fn who(row: &sea_orm::QueryResult) -> Result<Who, DbErr> {
    Ok(Who {
        cluster: row.try_get_by_index(0)?,
        database: row.try_get_by_index(1)?,
        follows: row.try_get_by_index(2)?,
        synchronous_commit: row.try_get_by_index(3)?,
    })
}

/// Identifies the server at `url`, on a separate connection.
async fn other(url: &str) -> Result<Who, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let row = sqlx::query(WHO).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Who {
        cluster: row.try_get(0)?,
        database: row.try_get(1)?,
        follows: row.try_get(2)?,
        synchronous_commit: row.try_get(3)?,
    })
}

fn asking(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}

async fn look_again_and_again(
    primary: Arc<PooledConnections>,
    replica: Arc<PooledConnections>,
    seen: Arc<Seen>,
) {
    let mut missing = VecDeque::new();
    loop {
        look(&primary, &replica, &seen, &mut missing).await;
        if seen.settled.receiver_count() > 0 {
            tokio::time::sleep(LOOKS_FOR_WRITERS).await;
        } else {
            let _ = timeout(LOOKS, seen.waits.notified()).await;
        }
    }
}

/// Polls the positions of both servers. `missing` contains the positions that the replica has not reached yet,
/// oldest first.
async fn look(
    primary: &PooledConnections,
    replica: &PooledConnections,
    seen: &Seen,
    missing: &mut VecDeque<Written>,
) {
    // Taken before the query, so that its result includes every write counted here.
    let (count, now) = (seen.written.load(Ordering::SeqCst), Instant::now());
    let written = "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint";
    let shown = "SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint";
    let written = query_number(primary, written).await;
    let Some(position) = written else { return };
    if let Some(last) = missing.back_mut().filter(|last| last.position == position) {
        (last.last, last.count) = (now, count);
    } else {
        let first = Instant::now();
        missing.push_back(Written { position, first, last: now, count });
    }
    let asked_at = Instant::now();
    let Some(shown) = query_number(replica, shown).await else { return };
    let mut newest = None;
    while missing.front().is_some_and(|oldest| oldest.position <= shown) {
        newest = missing.pop_front();
    }
    if let Some(newest) = &newest {
        let mut fresh = seen.fresh();
        if !fresh.is_now() {
            fresh.since = Some(Instant::now());
        }
        fresh.at = Some(newest.last);
    }
    let is_far_behind = missing.front().is_some_and(|oldest| asked_at > oldest.first + FRESH);
    seen.settled.send_modify(|settled| {
        settled.shown = newest.map_or(settled.shown, |newest| newest.count);
        if is_far_behind {
            settled.missed = count;
        }
    });
    // The oldest position determines the lag, so most of the intermediate positions are discarded to save memory.
    if missing.len() > 1_000 {
        missing.drain(1..500);
    }
}

async fn query_number(readers: &PooledConnections, sql: &str) -> Option<i64> {
    let rows = timeout(LOOK_TIMEOUT, readers.run_quietly(&asking(sql))).await.ok()?.ok()?;
    rows.first()?.try_get_by_index(0).ok()
}

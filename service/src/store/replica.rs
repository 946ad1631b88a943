//! A copy of a Postgres database that is read in its place, as long as nobody can notice.
//!
//! A replica shows what was written a moment later. Nobody may be told that something was written and then not
//! find it, whichever server they ask next, and without a word from them. Two rules together see to that:
//!
//! 1. A server reads from the replica only while it has seen, less than [`FRESH`] ago, that the replica shows all
//!    that had been written by then.
//! 2. Whoever has written is told so only when the replica shows it, or when [`FRESH`] and a little more have
//!    passed: then, by the first rule, no server reads from the replica any more.
//!
//! 3. A server that had to stop reading from it begins again after [`STEADY`]. So whoever finds, after writing,
//!    that the replica misses something older than [`FRESH`] need not wait: nobody reads from it now, and who
//!    begins again will have seen that it shows what was written.
//!
//! How far a replica is, is told by positions in the write-ahead log
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

use super::{connect::ACQUIRE_TIMEOUT, kept::KeptConnections};
use crate::error::{Error, Result};

/// How old the knowledge may be that the replica shows everything.
const FRESH: Duration = Duration::from_millis(150);

/// How long the replica must have been good before it is read from again.
const STEADY: Duration = Duration::from_millis(400);

/// How long whoever has written waits for the replica.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often the replica is looked at while nobody waits, and while somebody does.
const LOOKS: Duration = Duration::from_millis(50);
const LOOKS_FOR_WRITERS: Duration = Duration::from_millis(2);

/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(super) struct Replica {
    readers: Arc<KeptConnections>,
    seen: Arc<Seen>,
    watch: tokio::task::AbortHandle,
}

/// What is known of the replica.
#[derive(Debug)]
struct Seen {
    /// How many writes were committed here.
    written: AtomicU64,
    /// How many of them nobody needs to wait for any more.
    settled: watch::Sender<Settled>,
    /// Somebody waits.
    waits: Notify,
    /// When it was last seen to show all that had been written by then.
    fresh: Mutex<Fresh>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settled {
    /// The replica shows so many.
    shown: u64,
    /// After so many it was seen to be so far behind that nobody reads from it.
    missed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    at: Option<Instant>,
    /// Since when, without a gap.
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

/// All that had been written at some moment.
struct Written {
    position: i64,
    /// When it had been written, at the latest and at the earliest that is known.
    first: Instant,
    last: Instant,
    /// How many writes of this server were among it.
    count: u64,
}

impl Replica {
    /// The replica at `url` of the database that `primary` reads.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL names a database that is no replica.
    pub(super) async fn open(
        url: &str,
        most: u32,
        statements: &Arc<AtomicU64>,
        primary: Arc<KeptConnections>,
    ) -> Result<Self> {
        let readers = Arc::new(KeptConnections::open(url, most, statements, Some(FRESH)).await?);
        let own = primary.run_quietly(&asking(WHO)).await?;
        let own = own.first().map(who).transpose()?.unwrap_or_default();
        if own.synchronous_commit == "off" {
            tracing::warn!(
                "synchronous_commit is off: what was written may not be seen on the replica"
            );
        }
        match timeout(ACQUIRE_TIMEOUT, other(url)).await {
            Ok(Ok(other)) if other == Who { follows: true, ..own.clone() } => {}
            Ok(Ok(other)) if !other.follows => {
                let text = "this is no replica: the server follows no other one";
                return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "replica", text));
            }
            Ok(Ok(_)) => {
                let text = "this is a replica of another server, or another database";
                return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "replica", text));
            }
            // One that is away comes later.
            Ok(Err(_)) | Err(_) => tracing::warn!("the replica does not answer yet"),
        }
        let seen = Arc::new(Seen {
            written: AtomicU64::new(0),
            settled: watch::Sender::default(),
            waits: Notify::new(),
            fresh: Mutex::default(),
        });
        let looks = look_again_and_again(primary, Arc::clone(&readers), Arc::clone(&seen));
        #[expect(clippy::disallowed_methods, reason = "ended with the replica, by its handle")]
        let watch = tokio::spawn(looks).abort_handle();
        Ok(Self { readers, seen, watch })
    }

    /// Those who read from it, while it may be read.
    pub(super) fn readers(&self) -> Option<&KeptConnections> {
        let fresh = *self.seen.fresh();
        let is_steady = fresh.since.is_some_and(|since| since.elapsed() > STEADY);
        (fresh.is_now() && is_steady).then_some(&*self.readers)
    }

    /// How old what it shows may be; `None` when that is not known.
    pub(super) fn age(&self) -> Option<Duration> {
        self.seen.fresh().at.map(|at| at.elapsed())
    }

    /// Ends when no server shows the database without what was committed before this was called.
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

/// Which database of which cluster a connection leads to.
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

/// Who is at `url`, by a connection of its own.
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
    primary: Arc<KeptConnections>,
    replica: Arc<KeptConnections>,
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

/// Asks both how far they are. `missing` is what the replica has not shown yet, oldest first.
async fn look(
    primary: &KeptConnections,
    replica: &KeptConnections,
    seen: &Seen,
    missing: &mut VecDeque<Written>,
) {
    // Both before the question: what is counted, and seen, by then is in the answer.
    let (count, now) = (seen.written.load(Ordering::SeqCst), Instant::now());
    let written = "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint";
    let shown = "SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint";
    let written = asked(primary, written).await;
    let Some(position) = written else { return };
    if let Some(last) = missing.back_mut().filter(|last| last.position == position) {
        (last.last, last.count) = (now, count);
    } else {
        let first = Instant::now();
        missing.push_back(Written { position, first, last: now, count });
    }
    let asked_at = Instant::now();
    let Some(shown) = asked(replica, shown).await else { return };
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
    // The oldest tells since when it is behind; what follows only fills memory while it is.
    if missing.len() > 1_000 {
        missing.drain(1..500);
    }
}

async fn asked(readers: &KeptConnections, sql: &str) -> Option<i64> {
    let rows = timeout(LOOK_TIMEOUT, readers.run_quietly(&asking(sql))).await.ok()?.ok()?;
    rows.first()?.try_get_by_index(0).ok()
}

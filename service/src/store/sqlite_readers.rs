//! Connections that read a SQLite file, one statement at a time on each.
//!
//! SQLite works in a thread of its own for each connection and knows no client: a statement whose client
//! has left, or that takes too long, is stopped by the handler that SQLite asks while it works.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use tokio::{sync::Semaphore, time::timeout};

use super::connect::{ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT, connect, sqlite};
use crate::error::{Error, Result};

/// How many steps of its machine SQLite takes between two questions whether to go on: about a
/// millisecond's worth.
const STEPS: i32 = 20_000;

/// See the module.
#[derive(Debug)]
pub(super) struct SqliteReaders {
    readers: Vec<Reader>,
    free: Mutex<Vec<usize>>,
    turns: Semaphore,
}

#[derive(Debug)]
struct Reader {
    connection: DatabaseConnection,
    deadline: Arc<Deadline>,
}

/// When the statement of a connection is to end.
#[derive(Debug)]
struct Deadline {
    opened: Instant,
    /// In milliseconds since then.
    end: AtomicU64,
}

impl Deadline {
    fn is_over(&self) -> bool {
        self.elapsed() >= self.end.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&self) {
        let limit = u64::try_from(STATEMENT_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        self.end.store(self.elapsed() + limit, Ordering::Relaxed);
    }
}

impl SqliteReaders {
    pub(super) async fn open(path: &Path, most: u32, statements: &Arc<AtomicU64>) -> Result<Self> {
        let mut readers = Vec::new();
        for _ in 0..most {
            let deadline =
                Arc::new(Deadline { opened: Instant::now(), end: AtomicU64::new(u64::MAX) });
            let mut options = sqlite(path);
            let asked = Arc::clone(&deadline);
            options.map_sqlx_sqlite_pool_opts(move |pool| {
                let asked = Arc::clone(&asked);
                pool.after_connect(move |connection, _| {
                    let asked = Arc::clone(&asked);
                    Box::pin(async move {
                        let mut handle = connection.lock_handle().await?;
                        handle.set_progress_handler(STEPS, move || !asked.is_over());
                        Ok(())
                    })
                })
            });
            readers.push(Reader { connection: connect(options, statements).await?, deadline });
        }
        let free = Mutex::new((0..readers.len()).collect());
        Ok(Self { turns: Semaphore::new(readers.len()), free, readers })
    }

    /// Those that do nothing.
    pub(super) fn idle(&self) -> usize {
        self.turns.available_permits()
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.turns.close();
        for reader in &self.readers {
            reader.connection.clone().close().await?;
        }
        Ok(())
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        let busy = |why: &str| Error::Unavailable(DbErr::Custom(why.to_owned()));
        let turn = timeout(ACQUIRE_TIMEOUT, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| busy("all readers work"))?.map_err(|_| busy("closed"))?;
        let Some(place) = self.free().pop() else {
            return Err(Error::internal("a turn without a reader"));
        };
        let mut reading = Reading { readers: self, place, done: false };
        let Reader { connection, deadline } = &self.readers[place];
        if deadline.is_over() {
            // Whoever had it left: what they asked for ends first, and must not take our time for its own.
            let nothing = Statement::from_string(DbBackend::Sqlite, "SELECT 1");
            let _ = connection.query_all_raw(nothing).await;
        }
        deadline.set();
        let rows = connection.query_all_raw(statement).await;
        reading.done = true;
        Ok(rows?)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader at work; dropped before it is done when the client has left.
struct Reading<'r> {
    readers: &'r SqliteReaders,
    place: usize,
    done: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let end = if self.done { u64::MAX } else { 0 };
        self.readers.readers[self.place].deadline.end.store(end, Ordering::Relaxed);
        self.readers.free().push(self.place);
    }
}

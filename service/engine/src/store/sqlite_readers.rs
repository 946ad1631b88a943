//! Reading connections to a SQLite file, each of which runs one statement at a time.
//!
//! SQLite runs in a separate thread for each connection and can't detect that a client has disconnected. The progress
//! handler of SQLite stops a statement that was abandoned or has timed out.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DbErr, QueryResult, RuntimeErr, Statement, Value};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _,
    SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    connect::{ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT, sqlite_file, unopened},
    snapshot::PATIENCE,
    statement_stats,
};
use crate::error::{Error, Result};

/// The number of virtual machine steps between two calls of the progress handler: about a millisecond of work.
const STEPS: i32 = 20_000;

/// A pool of reading connections. See the module documentation.
#[derive(Debug)]
pub(super) struct SqliteReaders {
    free: Mutex<Vec<Reader>>,
    turns: Semaphore,
    statements: Arc<AtomicU64>,
    path: PathBuf,
    /// How long a statement waits for a connection.
    patience: Duration,
    /// The permit of a snapshot, held for as long as the snapshot exists.
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    deadline: Arc<Deadline>,
}

/// The deadline of the statement that runs on a connection.
#[derive(Debug)]
struct Deadline {
    opened: Instant,
    /// The deadline, in milliseconds since `opened`.
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
            let refused = |error: sqlx::Error| unopened(DbErr::Conn(of_driver(error)));
            let mut connection = sqlite_file(path).connect().await.map_err(refused)?;
            let asked = Arc::clone(&deadline);
            let mut handle = connection.lock_handle().await.map_err(refused)?;
            handle.set_progress_handler(STEPS, move || !asked.is_over());
            drop(handle);
            readers.push(Reader { connection, deadline });
        }
        let turns = Semaphore::new(readers.len());
        Ok(Self {
            turns,
            free: Mutex::new(readers),
            statements: Arc::clone(statements),
            path: path.to_owned(),
            patience: ACQUIRE_TIMEOUT,
            permit: None,
        })
    }

    /// Opens another reading connection with a snapshot of the current state.
    pub(super) async fn snapshot(&self, permit: OwnedSemaphorePermit) -> Result<Self> {
        let mut one = Self::open(&self.path, 1, &self.statements).await?;
        for reader in one.free.get_mut().unwrap_or_else(PoisonError::into_inner) {
            // The snapshot begins with the first read.
            for sql in ["BEGIN", "SELECT count(*) FROM sqlite_schema"] {
                let done = reader.connection.execute(sql).await;
                done.map_err(|error| DbErr::Query(of_driver(error)))?;
            }
        }
        one.patience = PATIENCE;
        one.permit = Some(permit);
        Ok(one)
    }

    /// The number of idle connections.
    pub(super) fn idle(&self) -> usize {
        self.turns.available_permits()
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.turns.close();
        let readers = std::mem::take(&mut *self.free());
        for reader in readers {
            let closed = reader.connection.close().await;
            closed.map_err(|error| DbErr::Conn(of_driver(error)))?;
        }
        Ok(())
    }

    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>> {
        let busy = |why: &str| Error::Unavailable(DbErr::Custom(why.to_owned()));
        let turn = timeout(self.patience, self.turns.acquire()).await;
        let _turn =
            turn.map_err(|_| busy("all connections are in use"))?.map_err(|_| busy("closed"))?;
        let Some(reader) = self.free().pop() else {
            return Err(Error::internal("acquired a permit without a connection"));
        };
        let mut reading = Reading { readers: self, reader: Some(reader), done: false };
        let Some(Reader { connection, deadline }) = &mut reading.reader else {
            return Err(Error::internal("the connection was closed"));
        };
        if deadline.is_over() {
            // The previous statement was abandoned and may still be running. That statement must end before the
            // deadline is set again; otherwise, it would continue until the deadline of the new statement.
            let _ = connection.ping().await;
        }
        deadline.set();
        self.statements.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments(statement)?);
        let rows = query.fetch_all(connection).await;
        reading.done = true;
        statement_stats::note(&statement.sql, rows.as_ref().map_or(0, Vec::len), begun.elapsed());
        let rows = rows.map_err(|error| DbErr::Query(of_driver(error)))?;
        Ok(rows.into_iter().map(SqliteRow::into).collect())
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running read. If it is dropped before it has completed, its caller has abandoned it.
struct Reading<'r> {
    readers: &'r SqliteReaders,
    reader: Option<Reader>,
    done: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            let end = if self.done { u64::MAX } else { 0 };
            reader.deadline.end.store(end, Ordering::Relaxed);
            self.readers.free().push(reader);
        }
    }
}

fn of_driver(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}

/// Converts the bind parameters of a statement for the driver. Lists are already JSON.
pub(super) fn arguments(statement: &Statement) -> Result<SqliteArguments, DbErr> {
    let mut arguments = SqliteArguments::default();
    for value in statement.values.iter().flat_map(|values| &values.0) {
        let added = match value {
            Value::Bool(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::BigInt(value) => arguments.add(value),
            // The limit of a selection.
            Value::BigUnsigned(value) => {
                arguments.add(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
            }
            Value::Double(value) => arguments.add(value),
            Value::String(value) => arguments.add(value.clone()),
            Value::ChronoDateTimeUtc(value) => arguments.add(value),
            Value::ChronoDateTimeWithTimeZone(value) => arguments.add(value),
            Value::Json(value) => arguments.add(value.as_deref().cloned()),
            other => Err(format!("unsupported bind parameter: {other:?}").into()),
        };
        added.map_err(|error| DbErr::Type(error.to_string()))?;
    }
    Ok(arguments)
}

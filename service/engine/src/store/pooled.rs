//! A pool of Postgres connections for single statements.
//!
//! The pool of the driver pings each returned connection, which costs a second round trip per statement. A single
//! statement instead takes a connection from this pool and returns the connection when the statement has completed.
//! Only connections with an abandoned or failed statement go back through the pool of the driver.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    DatabaseConnection, DbErr, QueryResult, RuntimeErr, Statement, Value, sea_query::ArrayType,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Executor as _, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    abandoned::AbandonedStatements,
    connect::{ACQUIRE_TIMEOUT, Side, connect, postgres},
    snapshot::{MAX_SNAPSHOTS, PATIENCE as SNAPSHOT_PATIENCE},
    statement_stats,
};
use crate::error::Result;

/// How long a connection is reused before it returns to the pool of the driver, which replaces old connections.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// How long a caller waits for a new connection before it also accepts a returned one. This is longer than connecting
/// takes if the server has connections available.
const NEW_CONNECTION: Duration = Duration::from_millis(250);

/// A connection pool. See the module documentation.
#[derive(Debug)]
pub(super) struct PooledConnections {
    pool: PgPool,
    kept: Mutex<Vec<PooledConnection>>,
    turns: Semaphore,
    /// Notified when a connection is returned.
    returned: Notify,
    statements: Arc<AtomicU64>,
    left: AbandonedStatements,
    /// The timeout for acquiring a connection.
    patience: Duration,
    /// How long a connection may be idle and still be used without a ping.
    trusted: Duration,
    /// Set for a snapshot, which has exactly one connection and never replaces it.
    sole: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct PooledConnection {
    connection: PoolConnection<Postgres>,
    since: Instant,
    used: Instant,
}

impl PooledConnections {
    /// Opens a pool to read the database at `url`. If `patience` is given, reads can use another database after that
    /// timeout, so the database at `url` may be unavailable.
    pub(super) async fn open(
        url: &str,
        most: u32,
        statements: &Arc<AtomicU64>,
        patience: Option<Duration>,
    ) -> Result<Self> {
        let left = AbandonedStatements::default();
        // There are more connections than permits: one for health checks, which bypass the queue, and those of
        // snapshots.
        let mut options = postgres(url, most + 1 + MAX_SNAPSHOTS, Side::Read, &left);
        options.connect_lazy(patience.is_some());
        let pool = connect(options, statements).await?;
        Ok(Self {
            patience: patience.unwrap_or(ACQUIRE_TIMEOUT),
            // A failed read can be retried on another connection.
            trusted: KEPT_FOR,
            pool: pool.get_postgres_connection_pool().clone(),
            kept: Mutex::default(),
            turns: Semaphore::new(most as usize),
            returned: Notify::new(),
            statements: Arc::clone(statements),
            left,
            sole: None,
        })
    }

    /// Creates a pool for at most `most` concurrent writes, with connections from a larger pool.
    pub(super) fn of(
        pool: &PgPool,
        most: u32,
        statements: &Arc<AtomicU64>,
        left: AbandonedStatements,
    ) -> Self {
        Self {
            patience: ACQUIRE_TIMEOUT,
            // If the connection was closed, it is unknown whether the statement that was sent on it was committed.
            trusted: Duration::from_secs(1),
            pool: pool.clone(),
            kept: Mutex::default(),
            turns: Semaphore::new(most as usize),
            returned: Notify::new(),
            statements: Arc::clone(statements),
            left,
            sole: None,
        }
    }

    /// Takes one connection with a snapshot of the current state. If the connection is lost, all further statements
    /// fail.
    pub(super) async fn snapshot(&self, permit: OwnedSemaphorePermit) -> Result<Self, DbErr> {
        let mut one = self.other(None).await?;
        // The connection is closed with its transaction. The first statement determines the snapshot.
        one.connection.close_on_drop();
        let begin = "SET idle_in_transaction_session_timeout = '15min'; \
                     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
        one.connection.execute(begin).await.map_err(failed)?;
        Ok(Self {
            // The statements of one level share this connection.
            patience: SNAPSHOT_PATIENCE,
            trusted: KEPT_FOR,
            pool: self.pool.clone(),
            kept: Mutex::new(vec![one]),
            turns: Semaphore::new(1),
            returned: Notify::new(),
            statements: Arc::clone(&self.statements),
            left: self.left.clone(),
            sole: Some(permit),
        })
    }

    /// The number of open and of idle connections.
    pub(super) fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle() + self.pooled().len())
    }

    /// The underlying pool.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.forget();
        DatabaseConnection::from(self.pool.clone()).close().await
    }

    /// Rejects further statements that wait in the queue, and returns the idle connections to the pool of the driver.
    pub(super) fn forget(&self) {
        self.turns.close();
        self.pooled().clear();
    }

    /// Runs a statement and returns its rows.
    pub(super) async fn run(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let turn = timeout(self.patience, self.turns.acquire()).await;
        let _turn = turn
            .map_err(|_| failed(sqlx::Error::PoolTimedOut))?
            .map_err(|_| failed(sqlx::Error::PoolClosed))?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let rows = self.run_quietly(statement).await;
        statement_stats::note(&statement.sql, rows.as_ref().map_or(0, Vec::len), begun.elapsed());
        rows
    }

    /// Same as [`run`](Self::run), for statements that do not belong to a request and bypass the queue.
    pub(super) async fn run_quietly(
        &self,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let kept = self.pooled().pop();
        let mut taken = match kept {
            Some(kept) if kept.since.elapsed() < KEPT_FOR && kept.used.elapsed() < self.trusted => {
                kept
            }
            _ if self.sole.is_some() => {
                return Err(DbErr::Conn(of_driver(sqlx::Error::PoolClosed)));
            }
            // This code is rarely needed and large, like all code that opens connections, so its future is boxed and
            // not inlined into every other future.
            old => Box::pin(timeout(self.patience, self.other_or_returned(old)))
                .await
                .map_err(|_| failed(sqlx::Error::PoolTimedOut))??,
        };
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments(statement)?);
        // If the statement is abandoned, this is recorded before the connection returns to the pool.
        let running = self.left.running();
        let rows = query.fetch_all(&mut *taken.connection).await;
        running.ended();
        let rows = rows.map_err(failed)?;
        let mut kept = self.pooled();
        if !self.turns.is_closed() {
            kept.push(PooledConnection { used: Instant::now(), ..taken });
        }
        drop(kept);
        self.returned.notify_waiters();
        Ok(rows.into_iter().map(PgRow::into).collect())
    }

    /// Returns a new connection. If connecting takes long, because the server may have no connection available, returns
    /// a connection that was returned to the pool in the meantime.
    async fn other_or_returned(
        &self,
        old: Option<PooledConnection>,
    ) -> Result<PooledConnection, DbErr> {
        let mut other = std::pin::pin!(self.other(old));
        if let Ok(made) = timeout(NEW_CONNECTION, &mut other).await {
            return made;
        }
        loop {
            let returned = self.returned.notified();
            if let Some(kept) = self.pooled().pop()
                && kept.since.elapsed() < KEPT_FOR
                && kept.used.elapsed() < self.trusted
            {
                return Ok(kept);
            }
            tokio::select! {
                made = &mut other => return made,
                () = returned => {}
            }
        }
    }

    /// Returns `old` if it has not expired and still responds, or else a connection from the pool of the driver.
    async fn other(&self, old: Option<PooledConnection>) -> Result<PooledConnection, DbErr> {
        if let Some(mut old) = old {
            if old.since.elapsed() < KEPT_FOR && old.connection.ping().await.is_ok() {
                return Ok(old);
            }
            // Otherwise the pool would ping the connection and wait for the response.
            old.connection.close_on_drop();
        }
        loop {
            // A failure to get a connection means that the database is unavailable, whatever the reason.
            let connection = self.pool.acquire().await;
            let mut connection = connection.map_err(|error| DbErr::Conn(of_driver(error)))?;
            // The driver's pool may return a connection that it last checked when the connection was released.
            if self.trusted < KEPT_FOR && connection.ping().await.is_err() {
                connection.close_on_drop();
                continue;
            }
            let now = Instant::now();
            return Ok(PooledConnection { connection, since: now, used: now });
        }
    }

    fn pooled(&self) -> std::sync::MutexGuard<'_, Vec<PooledConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(of_driver(error))
}

fn of_driver(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}

/// Converts the bind parameters of a statement for the driver.
fn arguments(statement: &Statement) -> Result<PgArguments, DbErr> {
    let mut arguments = PgArguments::default();
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
            Value::String(value) => arguments.add(value),
            Value::ChronoDateTimeUtc(value) => arguments.add(value),
            Value::ChronoDateTimeWithTimeZone(value) => arguments.add(value),
            Value::Json(value) => arguments.add(value.as_deref()),
            Value::Array(kind, Some(values)) => add_all(&mut arguments, kind, values),
            other => Err(format!("unsupported bind parameter: {other:?}").into()),
        };
        added.map_err(|error| DbErr::Type(error.to_string()))?;
    }
    Ok(arguments)
}

/// Adds an array bind parameter.
fn add_all(
    arguments: &mut PgArguments,
    kind: &ArrayType,
    values: &[Value],
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    macro_rules! list {
        ($kind:ident) => {{
            let cells = values.iter().map(|value| match value {
                Value::$kind(value) => value.clone(),
                _ => None,
            });
            arguments.add(cells.collect::<Vec<_>>())
        }};
    }
    match kind {
        ArrayType::Bool => list!(Bool),
        ArrayType::Int => list!(Int),
        ArrayType::BigInt => list!(BigInt),
        ArrayType::Double => list!(Double),
        ArrayType::String => list!(String),
        ArrayType::ChronoDateTimeUtc => list!(ChronoDateTimeUtc),
        other => Err(format!("unsupported array bind parameter: {other:?}").into()),
    }
}

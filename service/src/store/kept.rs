//! Connections to a Postgres database, kept at hand between statements.
//!
//! The pool asks a connection that comes back whether it is still there, which is a second round trip for
//! every statement. Who has one statement takes a kept connection instead and puts it back when the statement
//! ran to its end; only what was left in the middle, or failed, goes back through the pool.

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
    connect::{ACQUIRE_TIMEOUT, Side, connect, postgres},
    left::Left,
    meter,
    snapshot::{MOST as MOST_SNAPSHOTS, PATIENCE as SNAPSHOT_PATIENCE},
};
use crate::error::Result;

/// How long a connection is kept before the pool sees it again, which renews those that are too old.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// How long a new connection is waited for alone: longer than one takes where there are connections to be had.
const NEW_CONNECTION: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub(super) struct KeptConnections {
    pool: PgPool,
    kept: Mutex<Vec<Kept>>,
    turns: Semaphore,
    /// That a connection came back.
    returned: Notify,
    statements: Arc<AtomicU64>,
    left: Left,
    /// How long a connection may be on its way.
    patience: Duration,
    /// How long a connection may have done nothing and still be taken to be there.
    trusted: Duration,
    /// Whether it is this one connection or none.
    sole: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
    used: Instant,
}

impl KeptConnections {
    /// To read the database at `url`. When there is another to read from after so much `patience`, this one
    /// may be away.
    pub(super) async fn open(
        url: &str,
        most: u32,
        statements: &Arc<AtomicU64>,
        patience: Option<Duration>,
    ) -> Result<Self> {
        let left = Left::default();
        // More than there are turns: for what waits for none, and for what keeps one to itself.
        let mut options = postgres(url, most + 1 + MOST_SNAPSHOTS, Side::Read, &left);
        options.connect_lazy(patience.is_some());
        let pool = connect(options, statements).await?;
        Ok(Self {
            patience: patience.unwrap_or(ACQUIRE_TIMEOUT),
            // What is read can be read again from another.
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

    /// To write, `most` at a time, with connections of a pool that has more of them.
    pub(super) fn of(pool: &PgPool, most: u32, statements: &Arc<AtomicU64>, left: Left) -> Self {
        Self {
            patience: ACQUIRE_TIMEOUT,
            // Whether what was sent on a connection that is gone was written, nobody can tell.
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

    /// One connection of the pool, in a transaction that sees the database as it is now; and nothing more once
    /// that connection is gone.
    pub(super) async fn snapshot(&self, permit: OwnedSemaphorePermit) -> Result<Self, DbErr> {
        let mut one = self.other(None).await?;
        // It ends with its transaction, which sees what there is at its first statement.
        one.connection.close_on_drop();
        let begin = "SET idle_in_transaction_session_timeout = '15min'; \
                     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
        one.connection.execute(begin).await.map_err(failed)?;
        Ok(Self {
            // Statements of one level wait for each other here.
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

    /// How many connections there are, and how many of them do nothing.
    pub(super) fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle() + self.kept().len())
    }

    /// The pool that they come from.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.forget();
        DatabaseConnection::from(self.pool.clone()).close().await
    }

    /// Lets go of the connections that do nothing.
    pub(super) fn forget(&self) {
        self.turns.close();
        self.kept().clear();
    }

    /// Runs a statement and gives its rows.
    pub(super) async fn run(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let turn = timeout(self.patience, self.turns.acquire()).await;
        let _turn = turn
            .map_err(|_| failed(sqlx::Error::PoolTimedOut))?
            .map_err(|_| failed(sqlx::Error::PoolClosed))?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let rows = self.run_quietly(statement).await;
        meter::note(&statement.sql, rows.as_ref().map_or(0, Vec::len), begun.elapsed());
        rows
    }

    /// As [`run`](Self::run), for what belongs to no request and waits for no other.
    pub(super) async fn run_quietly(
        &self,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let kept = self.kept().pop();
        let mut taken = match kept {
            Some(kept) if kept.since.elapsed() < KEPT_FOR && kept.used.elapsed() < self.trusted => {
                kept
            }
            _ if self.sole.is_some() => {
                return Err(DbErr::Conn(of_driver(sqlx::Error::PoolClosed)));
            }
            // Rarely needed and large, like all that makes connections: not part of every future.
            old => Box::pin(timeout(self.patience, self.other_or_returned(old)))
                .await
                .map_err(|_| failed(sqlx::Error::PoolTimedOut))??,
        };
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments(statement)?);
        // Should it be left, that is noted before the connection goes back to the pool.
        let running = self.left.running();
        let rows = query.fetch_all(&mut *taken.connection).await;
        running.ended();
        let rows = rows.map_err(failed)?;
        let mut kept = self.kept();
        if !self.turns.is_closed() {
            kept.push(Kept { used: Instant::now(), ..taken });
        }
        drop(kept);
        self.returned.notify_waiters();
        Ok(rows.into_iter().map(PgRow::into).collect())
    }

    /// A new connection; or one that comes back meanwhile, where a new one takes long: the database may have no more.
    async fn other_or_returned(&self, old: Option<Kept>) -> Result<Kept, DbErr> {
        let mut other = std::pin::pin!(self.other(old));
        if let Ok(made) = timeout(NEW_CONNECTION, &mut other).await {
            return made;
        }
        loop {
            let returned = self.returned.notified();
            if let Some(kept) = self.kept().pop()
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

    /// A connection in place of one that is not to be trusted as it is, if there was one.
    async fn other(&self, old: Option<Kept>) -> Result<Kept, DbErr> {
        if let Some(mut old) = old {
            if old.since.elapsed() < KEPT_FOR && old.connection.ping().await.is_ok() {
                return Ok(old);
            }
            // The pool would ask whether it is still there, and wait for an answer.
            old.connection.close_on_drop();
        }
        loop {
            // Whatever stands in the way of a connection: the database is not to be had.
            let connection = self.pool.acquire().await;
            let mut connection = connection.map_err(|error| DbErr::Conn(of_driver(error)))?;
            // The pool gives what was there when it came back.
            if self.trusted < KEPT_FOR && connection.ping().await.is_err() {
                connection.close_on_drop();
                continue;
            }
            let now = Instant::now();
            return Ok(Kept { connection, since: now, used: now });
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(of_driver(error))
}

fn of_driver(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}

/// The binds of a statement as the driver takes them.
fn arguments(statement: &Statement) -> Result<PgArguments, DbErr> {
    let mut arguments = PgArguments::default();
    for value in statement.values.iter().flat_map(|values| &values.0) {
        let added = match value {
            Value::Bool(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::BigInt(value) => arguments.add(value),
            Value::Double(value) => arguments.add(value),
            Value::String(value) => arguments.add(value),
            Value::ChronoDateTimeUtc(value) => arguments.add(value),
            Value::Json(value) => arguments.add(value.as_deref()),
            Value::Array(kind, Some(values)) => add_all(&mut arguments, kind, values),
            other => Err(format!("a bind that is not known here: {other:?}").into()),
        };
        added.map_err(|error| DbErr::Type(error.to_string()))?;
    }
    Ok(arguments)
}

/// Adds a list of values of one kind.
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
        other => Err(format!("a list of binds that is not known here: {other:?}").into()),
    }
}

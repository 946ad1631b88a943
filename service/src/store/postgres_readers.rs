//! Connections that read a Postgres database, kept at hand between statements.
//!
//! The pool asks a connection that comes back whether it is still there, which is a second round trip for
//! every statement. Whoever reads takes a kept connection instead and puts it back when the statement ran to
//! its end; only what was left in the middle, or failed, goes back through the pool.

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
    Arguments as _, AssertSqlSafe, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    connect::{ACQUIRE_TIMEOUT, Side, connect, postgres},
    left::Left,
    meter,
};
use crate::error::Result;

/// How long a connection is kept before the pool sees it again, which renews those that are too old.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// See the module.
#[derive(Debug)]
pub(super) struct PostgresReaders {
    pool: PgPool,
    kept: Mutex<Vec<Kept>>,
    turns: Semaphore,
    statements: Arc<AtomicU64>,
    left: Left,
    /// How long a connection may be on its way.
    patience: Duration,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl PostgresReaders {
    /// Readers of the database at `url`. When there is another to read from after so much `patience`, this one
    /// may be away.
    pub(super) async fn open(
        url: &str,
        most: u32,
        statements: &Arc<AtomicU64>,
        patience: Option<Duration>,
    ) -> Result<Self> {
        let left = Left::default();
        // One more than there are turns: for what waits for none.
        let mut options = postgres(url, most + 1, Side::Read, &left);
        options.connect_lazy(patience.is_some());
        let pool = connect(options, statements).await?;
        Ok(Self {
            patience: patience.unwrap_or(ACQUIRE_TIMEOUT),
            pool: pool.get_postgres_connection_pool().clone(),
            kept: Mutex::default(),
            turns: Semaphore::new(most as usize),
            statements: Arc::clone(statements),
            left,
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
        self.turns.close();
        self.kept().clear();
        DatabaseConnection::from(self.pool.clone()).close().await
    }

    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let turn = timeout(self.patience, self.turns.acquire()).await;
        let _turn = turn
            .map_err(|_| failed(sqlx::Error::PoolTimedOut))?
            .map_err(|_| failed(sqlx::Error::PoolClosed))?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        meter::note(&statement.sql);
        self.read_quietly(statement).await
    }

    /// As [`read`](Self::read), for what belongs to no request and waits for no other.
    pub(super) async fn read_quietly(
        &self,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let kept = self.kept().pop();
        let mut taken = match kept {
            Some(kept) if kept.since.elapsed() < KEPT_FOR => kept,
            old => {
                if let Some(mut old) = old {
                    // The pool would ask whether it is still there, and wait for an answer.
                    old.connection.close_on_drop();
                }
                // Rarely needed and large, like all that makes connections: not part of every future.
                let connection = Box::pin(timeout(self.patience, self.pool.acquire())).await;
                let connection = connection.map_err(|_| failed(sqlx::Error::PoolTimedOut))?;
                // Whatever stands in the way of a connection: the database is not to be had.
                let connection = connection.map_err(|error| DbErr::Conn(of_driver(error)))?;
                Kept { connection, since: Instant::now() }
            }
        };
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), arguments(statement)?);
        // Should it be left, that is noted before the connection goes back to the pool.
        let running = self.left.running();
        let rows = query.fetch_all(&mut *taken.connection).await;
        running.ended();
        let rows = rows.map_err(failed)?;
        let mut kept = self.kept();
        if !self.turns.is_closed() {
            kept.push(taken);
        }
        drop(kept);
        Ok(rows.into_iter().map(PgRow::into).collect())
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

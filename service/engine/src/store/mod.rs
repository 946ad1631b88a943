//! The database, with a reading and a writing side. Only this module, the migrations, and the file that builds the SQL
//! of list pages depend on the engine.

mod abandoned;
mod conflict_limit;
mod connect;
mod engine;
mod import_lock;
mod lock;
mod migrations;
mod pooled;
mod reads;
mod replica;
mod restriction;
mod retry;
mod secrets;
mod signal;
mod single_statement;
mod snapshot;
mod sqlite_readers;
mod statement_stats;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use self::{
    abandoned::AbandonedStatements,
    conflict_limit::ConflictLimit,
    connect::{Side, connect, postgres, prepare_file, sqlite_path, try_postgres},
    pooled::PooledConnections,
    replica::Replica,
    secrets::Secrets,
    signal::Signal,
    sqlite_readers::SqliteReaders,
};
use crate::error::{Error, Result, is_cut};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value as Bind,
};

pub use connect::{others, sqlite_path as file_of};
pub use engine::Engine;
pub use lock::hold_alone;
pub(crate) use restriction::visible_records;
pub use restriction::{Restriction, RowScopes};
pub use retry::retry_while_unavailable;
pub use statement_stats::{SentStatement, StatementStats, record_statements};

/// The number of connections that read a SQLite file.
const READERS: u32 = 8;

/// Additional Postgres connections: one that bypasses the queue, one for each snapshot, and one for notifications.
const BESIDES: u32 = 2 + snapshot::MAX_SNAPSHOTS;

/// The minimum number of connections to a Postgres database.
pub const MIN_CONNECTIONS: u32 = 4 + BESIDES;

/// Connection limits of a Postgres database.
struct Limits {
    /// Writing connections, half of them for transactions.
    write: u32,
    /// Reading connections.
    read: u32,
}

impl Limits {
    fn of(connections: Option<u32>) -> Result<Self> {
        let Some(all) = connections else { return Ok(Self { write: 16, read: 16 }) };
        if all < MIN_CONNECTIONS {
            let message = format!("`connections` must be at least {MIN_CONNECTIONS}");
            return Err(Error::invalid(
                crate::Reason::ConfigurationInvalid,
                "connections",
                message,
            ));
        }
        let left = all - BESIDES;
        Ok(Self { write: left / 2, read: left - left / 2 })
    }
}

/// How long a read waits for the replica before it uses the primary.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout of a health check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The reading side.
#[derive(Clone, Debug)]
enum ReadConnections {
    /// Connections to a file, each of which runs one statement at a time.
    Sqlite(Arc<SqliteReaders>),
    /// A pool of connections.
    Postgres(Arc<PooledConnections>),
}

/// A database with a reading and a writing side.
#[derive(Clone, Debug)]
pub struct Store {
    read: ReadConnections,
    replica: Option<Arc<Replica>>,
    write: DatabaseConnection,
    /// Connections of a server for writes without an explicit transaction.
    writers: Option<Arc<PooledConnections>>,
    engine: Engine,
    statements: Arc<AtomicU64>,
    /// Abandoned statements of the writing side.
    left: AbandonedStatements,
    signal: Arc<Signal>,
    secrets: Arc<Secrets>,
    /// The restriction of reads to the row scope of a caller.
    pub(crate) restriction: Option<Arc<Restriction>>,
    /// Conflicts of restricted members.
    pub(crate) conflicts: Arc<ConflictLimit>,
    /// Permits for snapshots.
    snapshots: Arc<Semaphore>,
    /// The file of an embedded database.
    file: Option<PathBuf>,
    /// Held while the file is open.
    _lock: Option<Arc<std::fs::File>>,
}

impl Store {
    /// Connects to the database at `url`: `sqlite:path`, `postgres://…` or `postgresql://…`. A missing SQLite file
    /// is created, readable only by its owner.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `url` is not supported or can't be opened; [`Error::Unavailable`] if the connection is lost.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, None, None).await
    }

    /// As [`connect`](Self::connect), with a read `replica` of a Postgres database, which is used while it shows all
    /// acknowledged writes, and with a maximum of `connections` to each server.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Invalid`] if `replica` is not a replica of the database, or if
    /// `connections` is less than [`MIN_CONNECTIONS`].
    pub async fn connect_with(
        url: &str,
        replica: Option<&str>,
        connections: Option<u32>,
    ) -> Result<Self> {
        let limits = Limits::of(connections)?;
        let statements = Arc::new(AtomicU64::new(0));
        let (mut lock, mut file) = (None, None);
        let mut copy = None;
        let mut writers = None;
        let left = AbandonedStatements::default();
        let (engine, read, write) = if let Some(path) = sqlite_path(url) {
            if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
                let message =
                    "in-memory databases are not supported; specify a file: `sqlite:PATH`";
                return Err(Error::invalid(
                    crate::Reason::ConfigurationInvalid,
                    "database",
                    message,
                ));
            }
            prepare_file(&path)?;
            lock = Some(Arc::new(lock::hold(&path)?));
            // The writing connection is opened first, because it sets WAL mode, which the reading connections require.
            let write = connect(connect::sqlite_writer(&path, &left), &statements).await?;
            let read = SqliteReaders::open(&path, READERS, &statements).await?;
            file = Some(path);
            (Engine::Sqlite, ReadConnections::Sqlite(Arc::new(read)), write)
        } else if let Some(rest) =
            url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))
        {
            let url = format!("postgres://{rest}");
            try_postgres(&url).await?;
            let options = postgres(&url, limits.write, Side::Write, &left);
            let write = connect(options, &statements).await?;
            let pool = write.get_postgres_connection_pool();
            let kept = PooledConnections::of(pool, limits.write / 2, &statements, left.clone());
            writers = Some(Arc::new(kept));
            let read =
                Arc::new(PooledConnections::open(&url, limits.read, &statements, None).await?);
            if let Some(url) = replica {
                let primary = Arc::clone(&read);
                let replica = Replica::open(url, limits.read, &statements, primary).await?;
                copy = Some(Arc::new(replica));
            }
            (Engine::Postgres, ReadConnections::Postgres(read), write)
        } else {
            return Err(Error::invalid(
                crate::Reason::ConfigurationInvalid,
                "database",
                "`database` must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`",
            ));
        };
        if replica.is_some() && engine == Engine::Sqlite {
            return Err(Error::invalid(
                crate::Reason::ConfigurationInvalid,
                "replica",
                "`replica` requires a Postgres database",
            ));
        }
        Ok(Self {
            read,
            replica: copy,
            write,
            writers,
            engine,
            statements,
            left,
            signal: Arc::default(),
            secrets: Arc::default(),
            restriction: None,
            conflicts: Arc::default(),
            snapshots: Arc::new(Semaphore::new(snapshot::MAX_SNAPSHOTS as usize)),
            file,
            _lock: lock,
        })
    }

    /// As [`connect`](Self::connect), but does not create a file.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Invalid`] if the file does not exist.
    pub async fn connect_existing(url: &str) -> Result<Self> {
        if let Some(path) = sqlite_path(url).filter(|path| !path.exists()) {
            let message = format!("there is no database at {}", path.display());
            return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "database", message));
        }
        Self::connect(url).await
    }

    /// Checks that the database responds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not respond.
    pub async fn ping(&self) -> Result<()> {
        let answer = timeout(PING_TIMEOUT, self.query("SELECT 1", Vec::new())).await;
        let late =
            || Error::Unavailable(DbErr::Custom("the database did not respond in time".to_owned()));
        answer.map_err(|_| late())?.map(|_| ())
    }

    /// Closes all connections.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a connection can't be closed.
    pub async fn close(self) -> Result<()> {
        if let Some(replica) = &self.replica {
            replica.close().await.map_err(Error::Unavailable)?;
        }
        match &self.read {
            ReadConnections::Sqlite(readers) => {
                readers.close().await.map_err(Error::Unavailable)?;
            }
            ReadConnections::Postgres(readers) => {
                readers.close().await.map_err(Error::Unavailable)?;
            }
        }
        if let Some(writers) = &self.writers {
            writers.forget();
        }
        self.write.close().await.map_err(Error::Unavailable)
    }

    /// The database engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The number of statements sent since the store was connected.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The writing side.
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// The cache of organization secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The pool of a Postgres database, for listening to notifications.
    pub(crate) fn postgres(&self) -> Option<&sqlx::PgPool> {
        match &self.read {
            ReadConnections::Postgres(readers) => Some(readers.pool()),
            ReadConnections::Sqlite(_) => None,
        }
    }

    /// The numbers of open and idle connections, for reading and for writing.
    #[must_use]
    pub fn connections(&self) -> [(u32, u32); 2] {
        let idle = |idle: usize| u32::try_from(idle).unwrap_or(u32::MAX);
        match &self.read {
            ReadConnections::Sqlite(readers) => {
                let write = self.write.get_sqlite_connection_pool();
                [(READERS, idle(readers.idle())), (write.size(), idle(write.num_idle()))]
            }
            ReadConnections::Postgres(readers) => {
                let writers = self.writers.as_ref().map(|writers| writers.connections());
                [readers.connections(), writers.unwrap_or_default()]
                    .map(|(all, free)| (all, idle(free)))
            }
        }
    }

    /// Runs `sql`, in which each `{}` is the placeholder of the next bind parameter, and returns its rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn query(&self, sql: &str, binds: Vec<Bind>) -> Result<Vec<QueryResult>> {
        self.read(self.engine.statement(sql, binds)).await
    }

    /// Completes when all replicas in use show the writes committed so far. Awaited before a write is acknowledged.
    pub(crate) async fn wait_until_replicated(&self) {
        if let Some(replica) = &self.replica {
            replica.shows_all().await;
        }
    }

    /// The upper bound of the replication lag, if there is a replica; the maximum duration if it is unknown.
    #[must_use]
    pub fn replica_age(&self) -> Option<Duration> {
        self.replica.as_ref().map(|replica| replica.age().unwrap_or(Duration::MAX))
    }

    async fn read_once(&self, statement: &Statement) -> Result<Vec<QueryResult>> {
        match &self.read {
            ReadConnections::Sqlite(readers) => readers.read(statement).await,
            ReadConnections::Postgres(readers) => Ok(again(|| readers.run(statement)).await?),
        }
    }

    /// Runs `sql`, which changes no rows and in which each `{}` is the placeholder of the next bind parameter.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn execute(&self, sql: &str, binds: Vec<Bind>) -> Result<()> {
        self.write.execute_raw(self.engine.statement(sql, binds)).await?;
        Ok(())
    }

    /// Begins a write transaction. All statements of the transaction must go through it.
    ///
    /// # Errors
    /// The error of the driver if the database does not respond.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        again(|| self.write.begin_with_options(options)).await
    }
}

/// The maximum number of retries after closed connections; by default, there are only 16 writing connections.
const ATTEMPTS: u32 = 64;

/// Retries if a connection turns out to be closed. A connection that was closed while idle fails on its next use and is
/// then discarded. No work has been done at that point, so the other connections are tried in turn.
async fn again<T, F: Future<Output = Result<T, DbErr>>>(
    attempt: impl Fn() -> F,
) -> Result<T, DbErr> {
    for _ in 0..=ATTEMPTS {
        match attempt().await {
            Err(error) if is_cut(&error) => {}
            done => return done,
        }
    }
    attempt().await
}

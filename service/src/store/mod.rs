//! The database: one side to read from, one to write to. Which engine it is shows only in the file
//! that writes the page SQL, in the migrations, and here.

mod connect;
mod engine;
mod import_lock;
mod kept;
mod left;
mod lock;
mod meter;
mod migrations;
mod patience;
mod replica;
mod secrets;
mod signal;
mod single;
mod snapshot;
mod sqlite_readers;

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
    connect::{Side, connect, postgres, prepare_file, sqlite_path, try_postgres},
    kept::KeptConnections,
    left::Left,
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

pub(crate) use connect::{others, sqlite_path as file_of};
pub use engine::Engine;
pub(crate) use lock::hold_alone;
pub use meter::{Metered, Sent, metered};
pub use patience::patient;

/// How many connections read a file at the same time.
const READERS: u32 = 8;

/// Connections to a Postgres database that are neither for a read nor for a write: one that waits for nobody, those that see
/// the database as it was at one moment, and the one that listens.
const BESIDES: u32 = 2 + snapshot::MOST;

/// The minimum of connections to a Postgres database.
pub const MIN_CONNECTIONS: u32 = 4 + BESIDES;

/// How many connections to a Postgres database there are at most.
struct Limits {
    /// To write, half of them with a transaction around.
    write: u32,
    /// To read at a time.
    read: u32,
}

impl Limits {
    fn of(connections: Option<u32>) -> Result<Self> {
        let Some(all) = connections else { return Ok(Self { write: 16, read: 16 }) };
        if all < MIN_CONNECTIONS {
            let message = format!("a server needs at least {MIN_CONNECTIONS} connections");
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

/// How long a replica may take before the primary is asked instead.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a database that is asked whether it is there may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Those who read.
#[derive(Clone, Debug)]
enum Readers {
    /// One at a time on each connection of a file.
    Sqlite(Arc<SqliteReaders>),
    /// As many, kept at hand.
    Postgres(Arc<KeptConnections>),
}

/// A database: the side to read from and the side to write to.
#[derive(Clone, Debug)]
pub struct Store {
    read: Readers,
    replica: Option<Arc<Replica>>,
    write: DatabaseConnection,
    /// Those of a server that write without a transaction around.
    writers: Option<Arc<KeptConnections>>,
    engine: Engine,
    statements: Arc<AtomicU64>,
    /// What writes was left by.
    left: Left,
    signal: Arc<Signal>,
    secrets: Arc<Secrets>,
    /// Who may see the database as it was at one moment.
    snapshots: Arc<Semaphore>,
    /// The file of an embedded database.
    file: Option<PathBuf>,
    /// Held while the file is open.
    _lock: Option<Arc<std::fs::File>>,
}

impl Store {
    /// Connects to the database that `url` names: `sqlite:path`, `postgres://…` or `postgresql://…`.
    /// A SQLite file is made, readable by its owner only, when there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL names no database that we know, or none that can be opened;
    /// [`Error::Unavailable`] when a connection is lost meanwhile.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, None, None).await
    }

    /// As [`connect`](Self::connect), with a `replica` of a Postgres database to read from while it shows all
    /// that anybody was told to have been written, and with a maximum of `connections` to each of them.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Invalid`] when that is no replica, or when there are fewer connections
    /// than [`MIN_CONNECTIONS`].
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
        let left = Left::default();
        let (engine, read, write) = if let Some(path) = sqlite_path(url) {
            if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
                let message =
                    "a database in memory would be gone at once; name a file: `sqlite:PATH`";
                return Err(Error::invalid(
                    crate::Reason::ConfigurationInvalid,
                    "database",
                    message,
                ));
            }
            prepare_file(&path)?;
            lock = Some(Arc::new(lock::hold(&path)?));
            // The writer first: it puts the file into WAL mode, which the readers then find.
            let write = connect(connect::sqlite_writer(&path, &left), &statements).await?;
            let read = SqliteReaders::open(&path, READERS, &statements).await?;
            file = Some(path);
            (Engine::Sqlite, Readers::Sqlite(Arc::new(read)), write)
        } else if let Some(rest) =
            url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))
        {
            let url = format!("postgres://{rest}");
            try_postgres(&url).await?;
            let options = postgres(&url, limits.write, Side::Write, &left);
            let write = connect(options, &statements).await?;
            let pool = write.get_postgres_connection_pool();
            let kept = KeptConnections::of(pool, limits.write / 2, &statements, left.clone());
            writers = Some(Arc::new(kept));
            let read = Arc::new(KeptConnections::open(&url, limits.read, &statements, None).await?);
            if let Some(url) = replica {
                let primary = Arc::clone(&read);
                let replica = Replica::open(url, limits.read, &statements, primary).await?;
                copy = Some(Arc::new(replica));
            }
            (Engine::Postgres, Readers::Postgres(read), write)
        } else {
            return Err(Error::invalid(
                crate::Reason::ConfigurationInvalid,
                "database",
                "the database must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`",
            ));
        };
        if replica.is_some() && engine == Engine::Sqlite {
            return Err(Error::invalid(
                crate::Reason::ConfigurationInvalid,
                "replica",
                "only a Postgres database has replicas",
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
            snapshots: Arc::new(Semaphore::new(snapshot::MOST as usize)),
            file,
            _lock: lock,
        })
    }

    /// As [`connect`](Self::connect), but makes no file.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Invalid`] when there is no such file.
    pub async fn connect_existing(url: &str) -> Result<Self> {
        if let Some(path) = sqlite_path(url).filter(|path| !path.exists()) {
            let message = format!("there is no database at {}", path.display());
            return Err(Error::invalid(crate::Reason::ConfigurationInvalid, "database", message));
        }
        Self::connect(url).await
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<()> {
        let answer = timeout(PING_TIMEOUT, self.query("SELECT 1", Vec::new())).await;
        let late = || Error::Unavailable(DbErr::Custom("no answer in time".to_owned()));
        answer.map_err(|_| late())?.map(|_| ())
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one can't be closed.
    pub async fn close(self) -> Result<()> {
        if let Some(replica) = &self.replica {
            replica.close().await.map_err(Error::Unavailable)?;
        }
        match &self.read {
            Readers::Sqlite(readers) => readers.close().await.map_err(Error::Unavailable)?,
            Readers::Postgres(readers) => readers.close().await.map_err(Error::Unavailable)?,
        }
        if let Some(writers) = &self.writers {
            writers.forget();
        }
        self.write.close().await.map_err(Error::Unavailable)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// How many statements have been sent since the store was connected.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The side to write to.
    pub(crate) fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Who is told that something has been written.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The pool of a Postgres database, to listen on.
    pub(crate) fn postgres(&self) -> Option<&sqlx::PgPool> {
        match &self.read {
            Readers::Postgres(readers) => Some(readers.pool()),
            Readers::Sqlite(_) => None,
        }
    }

    /// How many connections there are, and how many of them do nothing: to read, to write.
    #[must_use]
    pub fn connections(&self) -> [(u32, u32); 2] {
        let idle = |idle: usize| u32::try_from(idle).unwrap_or(u32::MAX);
        match &self.read {
            Readers::Sqlite(readers) => {
                let write = self.write.get_sqlite_connection_pool();
                [(READERS, idle(readers.idle())), (write.size(), idle(write.num_idle()))]
            }
            Readers::Postgres(readers) => {
                let writers = self.writers.as_ref().map(|writers| writers.connections());
                [readers.connections(), writers.unwrap_or_default()]
                    .map(|(all, free)| (all, idle(free)))
            }
        }
    }

    /// The rows of `sql`, in which every `{}` is the place of the next of `binds`.
    pub(crate) async fn query(&self, sql: &str, binds: Vec<Bind>) -> Result<Vec<QueryResult>> {
        self.read(self.engine.statement(sql, binds)).await
    }

    /// The rows of a statement that only reads, as they are now.
    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        if !patience::is_patient() {
            return self.read_once(&statement).await;
        }
        Box::pin(patience::until_answered(|| self.read_once(&statement))).await
    }

    /// The rows of a statement that only reads, with everything that anybody was told to have been written:
    /// a replica may give them. Subscribers are told of what is written before a replica has it.
    pub(crate) async fn read_shown(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        let replica = self.replica.as_ref().filter(|_| !patience::is_patient());
        if let Some(readers) = replica.and_then(|replica| replica.readers()) {
            match timeout(REPLICA_TIMEOUT, readers.run(&statement)).await {
                Err(_) => tracing::debug!("the replica did not answer in time"),
                // It is gone, or what is read there was in the way of what it had to take over.
                Ok(Err(error)) if matches!(Error::from(error.clone()), Error::Unavailable(_)) => {
                    tracing::debug!(%error, "the replica did not answer");
                }
                Ok(answer) => return Ok(answer?),
            }
        }
        self.read(statement).await
    }

    /// Ends when nobody reads from a replica that doesn't show what was committed before: to be awaited by
    /// whoever is about to tell of it.
    pub(crate) async fn shown(&self) {
        if let Some(replica) = &self.replica {
            replica.shows_all().await;
        }
    }

    /// How old what the replica shows may be, when there is one; without end while that is not known.
    #[must_use]
    pub fn replica_age(&self) -> Option<Duration> {
        self.replica.as_ref().map(|replica| replica.age().unwrap_or(Duration::MAX))
    }

    async fn read_once(&self, statement: &Statement) -> Result<Vec<QueryResult>> {
        match &self.read {
            Readers::Sqlite(readers) => readers.read(statement).await,
            Readers::Postgres(readers) => Ok(again(|| readers.run(statement)).await?),
        }
    }

    /// Runs `sql`, which changes no row, in which every `{}` is the place of the next of `binds`.
    pub(crate) async fn execute(&self, sql: &str, binds: Vec<Bind>) -> Result<()> {
        self.write.execute_raw(self.engine.statement(sql, binds)).await?;
        Ok(())
    }

    /// A transaction that writes. Inside it, everything goes through it.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        again(|| self.write.begin_with_options(options)).await
    }
}

/// How many connections may have been cut: as many as a server has to write.
const ATTEMPTS: u32 = 64;

/// A connection that was cut while nobody used it shows that when it is used, and is thrown away then:
/// what has done nothing yet is tried on the next, until all have been.
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

//! The database: one side to read from, one to write to. Which engine it is shows only in the file
//! that writes the page SQL, in the migrations, and here.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use migration::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value as Bind,
};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// Statements kept prepared on each connection; every list of the schema has a text of its own.
const STATEMENTS_KEPT: usize = 500;

/// How many connections read at the same time.
const READERS: u32 = 8;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// How long Postgres lets a statement wait for a row that another transaction holds.
const LOCK_TIMEOUT: &str = "30s";

/// How long Postgres lets a transaction do nothing: while it runs nobody can read what is committed
/// after it in the change log.
const IDLE_TIMEOUT: &str = "60s";

/// The engine behind a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// What SeaORM calls it.
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// A statement in which every `{}` of `sql` is the place of the next of `binds`.
    pub(crate) fn statement(self, sql: &str, binds: Vec<Bind>) -> Statement {
        let mark = if self == Self::Postgres { '$' } else { '?' };
        let mut text = String::with_capacity(sql.len() + 16);
        for (number, part) in sql.split("{}").enumerate() {
            if number > 0 {
                let _ = write!(text, "{mark}{number}");
            }
            text.push_str(part);
        }
        Statement::from_sql_and_values(self.backend(), text, binds)
    }
}

/// Tells the tasks of this process that something has been written.
#[derive(Debug, Default)]
pub(crate) struct Signal(watch::Sender<()>);

impl Signal {
    /// Something has been written and committed.
    pub(crate) fn changed(&self) {
        self.0.send_replace(());
    }

    /// One who waits for that: `changed()` ends when something was written since it last did.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

/// A database: the side to read from and the side to write to.
#[derive(Clone, Debug)]
pub struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    engine: Engine,
    statements: Arc<AtomicU64>,
    signal: Arc<Signal>,
}

impl Store {
    /// Connects to the database that `url` names: `sqlite:path`, `postgres://…` or `postgresql://…`.
    /// A SQLite file is made, readable by its owner only, when there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL names no database that we know, or none that can be opened;
    /// [`Error::Unavailable`] when a connection is lost meanwhile.
    pub async fn connect(url: &str) -> Result<Self> {
        let statements = Arc::new(AtomicU64::new(0));
        let (engine, read, write) = if let Some(path) = sqlite_path(url) {
            if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
                let message =
                    "a database in memory would be gone at once; name a file: `sqlite:PATH`";
                return Err(Error::invalid("database", message));
            }
            prepare_file(&path)?;
            // The writer first: it puts the file into WAL mode, which the readers then find.
            let write = connect(sqlite(&path, 1), &statements).await?;
            let read = connect(sqlite(&path, READERS), &statements).await?;
            (Engine::Sqlite, read, write)
        } else if let Some(rest) =
            url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))
        {
            let url = format!("postgres://{rest}");
            try_postgres(&url).await?;
            let write = connect(postgres(&url, READERS), &statements).await?;
            let read = connect(postgres(&url, READERS * 2), &statements).await?;
            (Engine::Postgres, read, write)
        } else {
            return Err(Error::invalid(
                "database",
                "the database must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`",
            ));
        };
        Ok(Self { read, write, engine, statements, signal: Arc::default() })
    }

    /// As [`connect`](Self::connect), but makes no file.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Invalid`] when there is no such file.
    pub async fn connect_existing(url: &str) -> Result<Self> {
        if let Some(path) = sqlite_path(url).filter(|path| !path.exists()) {
            let message = format!("there is no database at {}", path.display());
            return Err(Error::invalid("database", message));
        }
        Self::connect(url).await
    }

    /// Applies the migrations that are missing: all of them or none, and one server after the other,
    /// so that several may start at once.
    ///
    /// # Errors
    /// [`Error::Internal`] when a migration fails.
    pub async fn migrate_up(&self) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::up(&transaction, None).await?;
        Ok(transaction.commit().await?)
    }

    /// Takes back the newest `steps` migrations, with the tables they made: all of them or none.
    ///
    /// # Errors
    /// [`Error::Internal`] when a migration fails.
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::down(&transaction, Some(steps)).await?;
        Ok(transaction.commit().await?)
    }

    /// The library takes no lock: on Postgres it is an advisory one, on SQLite the writer's.
    async fn begin_migration(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin().await?;
        if self.engine == Engine::Postgres {
            // "salesgra" as a number: ours among the advisory locks of the database.
            let lock =
                "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(8314892176759550561)";
            transaction.execute_unprepared(lock).await?;
        }
        Ok(transaction)
    }

    /// The migrations in their order, and whether each has been applied.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        let all = Migrator::get_migration_with_status_read_only(&self.write).await?;
        Ok(all
            .iter()
            .map(|one| {
                let applied = one.status() == MigrationStatus::Applied;
                (one.name().to_owned(), applied)
            })
            .collect())
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<()> {
        self.read.ping().await.map_err(Error::Unavailable)
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one can't be closed.
    pub async fn close(self) -> Result<()> {
        self.read.close().await.map_err(Error::Unavailable)?;
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

    /// The side to read from.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The side to write to.
    pub(crate) fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Who is told that something has been written.
    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The pool of a Postgres database, to listen on.
    pub(crate) fn postgres(&self) -> Option<&sqlx::PgPool> {
        (self.engine == Engine::Postgres).then(|| self.read.get_postgres_connection_pool())
    }

    /// The rows of `sql`, in which every `{}` is the place of the next of `binds`.
    pub(crate) async fn query(&self, sql: &str, binds: Vec<Bind>) -> Result<Vec<QueryResult>> {
        Ok(self.read.query_all_raw(self.engine.statement(sql, binds)).await?)
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
        self.write.begin_with_options(options).await
    }
}

/// The pool tries again until its time is over and then says only that; one connection says why.
async fn try_postgres(url: &str) -> Result<()> {
    let refuse = |error: sqlx::Error| {
        Error::invalid("database", format!("can't open the Postgres database: {error}"))
    };
    let options: PgConnectOptions = url.parse().map_err(refuse)?;
    let connection = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let connection = connection.map_err(|_| refuse(sqlx::Error::PoolTimedOut))?.map_err(refuse)?;
    connection.close().await.map_err(refuse)
}

fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(PathBuf::from(rest.split('?').next().unwrap_or(rest)))
}

/// Makes the file and its folder when they are missing. Either way only its owner may read the file
/// afterwards.
fn prepare_file(path: &Path) -> Result<()> {
    let report = |error: std::io::Error| {
        Error::invalid("database", format!("can't open {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(report)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path).map_err(report)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(report)?;
    }
    #[cfg(not(unix))]
    options.open(path).map_err(report)?;
    Ok(())
}

fn sqlite(path: &Path, connections: u32) -> ConnectOptions {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| {
            SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .statement_cache_capacity(STATEMENTS_KEPT)
                .pragma("cache_size", "-32768")
                .pragma("journal_size_limit", "67108864")
                .pragma("mmap_size", "268435456")
        });
    options
}

fn postgres(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options: PgConnectOptions| {
            options
                .application_name("salesgraph")
                .statement_cache_capacity(STATEMENTS_KEPT)
                .options([
                    ("lock_timeout", LOCK_TIMEOUT),
                    ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
                ])
        });
    options
}

async fn connect(
    options: ConnectOptions,
    statements: &Arc<AtomicU64>,
) -> Result<DatabaseConnection> {
    let mut connection = Database::connect(options).await.map_err(Error::Unavailable)?;
    let counter = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    Ok(connection)
}

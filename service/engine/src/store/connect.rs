//! Opening databases: file permissions and connection options.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use tokio::time::timeout;

use super::{abandoned::AbandonedStatements, statement_stats};
use crate::error::{Error, Result};

/// The size of the statement cache of each connection; every list of the schema has its own SQL text.
const STATEMENTS_KEPT: usize = 500;

/// How long a request waits for a connection. If the database is unavailable, a request fails within ten seconds.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout of a read statement.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a Postgres statement waits for a row lock of another transaction.
const LOCK_TIMEOUT: &str = "30s";

/// How long a Postgres transaction may be idle: while it runs, change log entries that are committed after it can't
/// be read.
const IDLE_TIMEOUT: &str = "60s";

/// How long an abandoned statement may run before its connection is closed.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// The purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Reads.
    Read,
    /// Writes, migrations and imports.
    Write,
}

/// Opens a single connection to determine the cause of a failure, because the pool retries until its timeout and then
/// reports only the timeout.
pub(super) async fn try_postgres(url: &str) -> Result<()> {
    let connection = one(url).await?;
    let connection = refuse_transaction_pooler(url, connection).await?;
    connection.close().await.map_err(|error| refused(&error))
}

async fn one(url: &str) -> Result<PgConnection> {
    let options: PgConnectOptions = url.parse().map_err(|error| refused(&error))?;
    let connection = timeout(ACQUIRE_TIMEOUT, plain(options).connect()).await;
    connection.map_err(|_| refused(&sqlx::Error::PoolTimedOut))?.map_err(|error| refused(&error))
}

/// Removes options that poolers reject when a connection is opened. No statement depends on them: floating-point
/// numbers are transferred in binary.
fn plain(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("salesgraph").extra_float_digits(None)
}

/// Rejects a pooler in transaction mode, which uses another database connection for each transaction: prepared
/// statements, locks and notifications belong to a connection.
async fn refuse_transaction_pooler(
    url: &str,
    mut connection: PgConnection,
) -> Result<PgConnection> {
    let pid = "SELECT pg_backend_pid()";
    let read = |row: PgRow| row.try_get::<i32, _>(0).map_err(|error| refused(&error));
    let before = connection.fetch_one(pid).await.map_err(|error| refused(&error))?;
    // If another client is in a transaction on the most recently released connection, this client is assigned a third
    // connection.
    let Ok(mut other) = one(url).await else { return Ok(connection) };
    let _ = other.execute("BEGIN; SELECT 1").await;
    let after = connection.fetch_one(pid).await.map_err(|error| refused(&error))?;
    let _ = other.execute("ROLLBACK").await;
    let _ = other.close().await;
    if read(before)? == read(after)? {
        return Ok(connection);
    }
    Err(Error::invalid(
        crate::Reason::ConfigurationInvalid,
        "database",
        "the connection goes through a pooler in transaction mode (PgBouncer with pool_mode = transaction); \
         use session pooling for this database, or connect to the Postgres server directly",
    ))
}

/// The file path in a SQLite URL, or `None` for another URL.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(PathBuf::from(rest.split('?').next().unwrap_or(rest)))
}

/// The number of other connections of this program to the Postgres database.
///
/// # Errors
/// [`crate::Error::Unavailable`] if the database does not respond.
pub async fn others(url: &str) -> Result<i64> {
    let mut connection = one(url).await?;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'salesgraph' AND pid <> pg_backend_pid()";
    let count = sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .map_err(|error| refused(&error))?;
    connection.close().await.map_err(|error| refused(&error))?;
    Ok(count)
}

fn refused(error: &sqlx::Error) -> Error {
    Error::invalid(
        crate::Reason::ConfigurationInvalid,
        "database",
        format!("can't open the Postgres database: {error}"),
    )
}

pub(super) fn unopened(error: DbErr) -> Error {
    // SQLITE_NOTADB and SQLITE_CORRUPT: a retry would not help.
    if ["(code: 26)", "(code: 11)"].iter().any(|code| error.to_string().contains(code)) {
        return Error::invalid(
            crate::Reason::ConfigurationInvalid,
            "database",
            "the file is not a SQLite database or is damaged",
        );
    }
    Error::Unavailable(error)
}

/// Creates the file and its folder if they are missing. In either case, only the owner may read the file
/// afterwards.
pub(super) fn prepare_file(path: &Path) -> Result<()> {
    let report = |error: std::io::Error| {
        Error::invalid(
            crate::Reason::ConfigurationInvalid,
            "database",
            format!("can't open {}: {error}", path.display()),
        )
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

/// Options of the single writing connection of a SQLite file. After some failures, such as a full disk, SQLite
/// rolls back the transaction by itself while the driver still considers it open: all later writes would be part of
/// it and never be committed. A connection that is released in this state is closed.
///
/// If a statement with its own `BEGIN` was abandoned (see `abandoned.rs`), the driver does not know about the transaction,
/// so the connection is rolled back.
pub(super) fn sqlite_writer(path: &Path, left: &AbandonedStatements) -> ConnectOptions {
    let mut options = sqlite(path);
    let left = left.clone();
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        let left = left.clone();
        pool.after_release(move |connection, _| {
            let left = left.clone();
            Box::pin(async move {
                if left.lately() {
                    // Runs after the abandoned statement, and fails if no transaction was started or the transaction
                    // has already ended.
                    let _ = connection.execute("ROLLBACK").await;
                }
                if connection.is_in_transaction() {
                    // The driver's own rollback may still be queued.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}

/// Options of a single connection to a SQLite file.
fn sqlite(path: &Path) -> ConnectOptions {
    let opened = sqlite_file(path);
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(1)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| opened.clone());
    options
}

/// The options for opening a SQLite file.
pub(super) fn sqlite_file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("cache_size", "-4096")
        .pragma("journal_size_limit", "67108864")
        // Memory-mapped pages use no memory of the process and are not copied.
        .pragma("mmap_size", "268435456")
        .disable_statement_logging()
}

pub(super) fn postgres(
    url: &str,
    connections: u32,
    side: Side,
    left: &AbandonedStatements,
) -> ConnectOptions {
    // Writing connections also run migrations and imports, which have no time limit.
    let limit = if side == Side::Read { STATEMENT_TIMEOUT.as_millis() } else { 0 };
    let left = left.clone();
    let settings = settings(limit);
    let mut options = ConnectOptions::new(url);
    options
        .map_sqlx_postgres_pool_opts(move |pool| {
            let left = left.clone();
            let settings = settings.clone();
            pool.after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    // Postgres 14 and later, where the operating system supports it: a statement is cancelled when
                    // its client disconnects.
                    let notice = "SET client_connection_check_interval = '1s'";
                    let _ = connection.execute(notice).await;
                    // Postgres 17 and later: migrations, seeding and imports have no time limit.
                    if side == Side::Write {
                        let _ = connection.execute("SET transaction_timeout = 0").await;
                    }
                    // Not sent as startup parameters, because poolers reject or ignore them.
                    connection.execute(AssertSqlSafe(settings)).await?;
                    Ok(())
                })
            })
            .after_release(move |connection, _| {
                let left = left.clone();
                Box::pin(async move {
                    if !left.lately() {
                        return Ok(true);
                    }
                    let answer = timeout(LEFT_ALONE, connection.ping()).await;
                    answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
                })
            })
        })
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |options: PgConnectOptions| {
            plain(options).statement_cache_capacity(STATEMENTS_KEPT)
        });
    options
}

/// The settings of a connection as SQL statements, with a statement timeout of `limit` milliseconds.
fn settings(limit: u128) -> String {
    let settings = [
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ("statement_timeout", &limit.to_string()),
        // Statements are too short to benefit from JIT compilation.
        ("jit", "off"),
        // Pages are in memory or on an SSD. With the default of 4, Postgres would scan whole tables instead.
        ("random_page_cost", "1.1"),
        // Overrides the default of the database. Explicit row locks and advisory locks provide any stronger isolation.
        ("default_transaction_isolation", "read committed"),
    ];
    let set = settings.map(|(name, value)| format!("SET {name} = '{value}'"));
    set.join("; ")
}

pub(super) async fn connect(
    options: ConnectOptions,
    statements: &Arc<AtomicU64>,
) -> Result<DatabaseConnection> {
    let mut connection = Database::connect(options).await.map_err(unopened)?;
    let counter = Arc::clone(statements);
    connection.set_metric_callback(move |info| {
        counter.fetch_add(1, Ordering::Relaxed);
        statement_stats::note(&info.statement.sql, 0, info.elapsed);
    });
    Ok(connection)
}

//! Opening databases: files and their rights, options of connections.

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

use super::{left::Left, meter};
use crate::error::{Error, Result};

/// Statements kept prepared on each connection; every list of the schema has a text of its own.
const STATEMENTS_KEPT: usize = 500;

/// How long a request waits for a connection: whoever asks while the database is gone is told within ten
/// seconds.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement that reads may run.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long Postgres lets a statement wait for a row that another transaction holds.
const LOCK_TIMEOUT: &str = "30s";

/// How long Postgres lets a transaction do nothing: while it runs nobody can read what is committed
/// after it in the change log.
const IDLE_TIMEOUT: &str = "60s";

/// How long a statement that was left may go on before its connection is closed.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// To read.
    Read,
    /// To write, to migrate, to bring over.
    Write,
}

/// The pool tries again until its time is over and then says only that; one connection says why.
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

/// Without what poolers reject when a connection begins. What it sets is read by no statement of ours: numbers with a
/// fraction come in binary.
fn plain(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("salesgraph").extra_float_digits(None)
}

/// Refuses a pooler that gives every transaction another connection of the database: prepared statements, locks and
/// notifications of ours belong to a connection.
async fn refuse_transaction_pooler(
    url: &str,
    mut connection: PgConnection,
) -> Result<PgConnection> {
    let pid = "SELECT pg_backend_pid()";
    let read = |row: PgRow| row.try_get::<i32, _>(0).map_err(|error| refused(&error));
    let before = connection.fetch_one(pid).await.map_err(|error| refused(&error))?;
    // While another is in a transaction, on the connection that was free last, this one would be given a third.
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
        "the connection goes through a pooler that gives each transaction another connection (PgBouncer with \
         pool_mode = transaction): let it pool by session for this database, or name the Postgres server itself",
    ))
}

/// The file that a URL names, if it names one.
pub(crate) fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(PathBuf::from(rest.split('?').next().unwrap_or(rest)))
}

/// How many connections of this program the Postgres database has.
pub(crate) async fn others(url: &str) -> Result<i64> {
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
    // SQLITE_NOTADB, SQLITE_CORRUPT: waiting would not help.
    if ["(code: 26)", "(code: 11)"].iter().any(|code| error.to_string().contains(code)) {
        return Error::invalid(
            crate::Reason::ConfigurationInvalid,
            "database",
            "the file is no SQLite database, or a damaged one",
        );
    }
    Error::Unavailable(error)
}

/// Makes the file and its folder when they are missing. Either way only its owner may read the file
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

/// A file, on the one connection that writes. After some faults, a full disk for one, SQLite takes the
/// transaction back by itself, and the driver believes that it still runs: everything written afterwards
/// would be part of it, and never be committed. A connection that comes back like that is closed.
///
/// One that was `left` in the middle of a text with its own `BEGIN` is not known to the driver to be in a
/// transaction: that is taken back.
pub(super) fn sqlite_writer(path: &Path, left: &Left) -> ConnectOptions {
    let mut options = sqlite(path);
    let left = left.clone();
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        let left = left.clone();
        pool.after_release(move |connection, _| {
            let left = left.clone();
            Box::pin(async move {
                if left.lately() {
                    // Comes after what was left; fails when nothing was begun, or it came to its end.
                    let _ = connection.execute("ROLLBACK").await;
                }
                if connection.is_in_transaction() {
                    // What takes it back may still be on its way.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}

/// A file, on one connection.
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

/// How a file is opened.
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
        // What is mapped takes no memory of its own, and is not copied.
        .pragma("mmap_size", "268435456")
        .disable_statement_logging()
}

pub(super) fn postgres(url: &str, connections: u32, side: Side, left: &Left) -> ConnectOptions {
    // What writes also migrates and brings over, which takes as long as it takes.
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
                    // Postgres 14 and later, where the system can tell: a statement ends when its
                    // connection is gone.
                    let notice = "SET client_connection_check_interval = '1s'";
                    let _ = connection.execute(notice).await;
                    // Postgres 17 and later: what migrates, seeds and brings over takes as long as it takes.
                    if side == Side::Write {
                        let _ = connection.execute("SET transaction_timeout = 0").await;
                    }
                    // Not when the connection begins: poolers reject such settings, or forget them.
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

/// The settings of a connection, as statements; a statement may run for `limit` milliseconds.
fn settings(limit: u128) -> String {
    let settings = [
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ("statement_timeout", &limit.to_string()),
        // Our statements are over before compiling them would pay.
        ("jit", "off"),
        // Pages of what is asked for lie in memory or on a disk without arms; the server's own figure, 4, lets it read
        // whole tables instead.
        ("random_page_cost", "1.1"),
        // Whatever the database says: our locks make up for the rest.
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
        meter::note(&info.statement.sql, 0, info.elapsed);
    });
    Ok(connection)
}

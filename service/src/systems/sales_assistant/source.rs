//! The source database, read in a consistent snapshot.

use std::{collections::HashMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Result},
    table::Column,
    value::Kind,
};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, Statement, TransactionTrait,
};

use super::spec::{self, TableSpec};
use crate::systems::sqlite_source::sqlite_source;

/// The source, read in a single transaction, so that exactly the validated rows are imported.
pub struct Source {
    name: String,
    snapshot: DatabaseTransaction,
    backend: DbBackend,
}

/// A cell as read from the source.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Null,
    Text(String),
    Double(f64),
    /// Bytes that are not valid text.
    Unreadable,
}

/// A row of the source: its primary key and its cells, in the column order of the target table. Cells of columns
/// that the document does not have are null.
pub(super) struct RawRow {
    pub(super) id: i64,
    pub(super) cells: Vec<Raw>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens the source at `sqlite:PATH` or `postgres://…` read-only and checks that it has the schema of the
    /// document.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the source can't be opened or lacks a column of the document.
    pub async fn open(url: &str) -> Result<Self> {
        let (url, name) = address(url)?;
        let mut options = ConnectOptions::new(url);
        // A refused connection is retried until this timeout.
        let patience = std::time::Duration::from_secs(3);
        options.max_connections(1).sqlx_logging(false).acquire_timeout(patience);
        let connection = Database::connect(options).await.map_err(|error| {
            let why = match &error {
                DbErr::ConnectionAcquire(_) => {
                    format!(
                        "no connection within {} seconds; check that the server is running",
                        patience.as_secs()
                    )
                }
                error => error.to_string(),
            };
            Error::invalid(
                engine::Reason::SourceInvalid,
                "from",
                format!("can't open the source {name}: {why}"),
            )
        })?;
        let backend = connection.get_database_backend();
        let snapshot = if backend == DbBackend::Postgres {
            let (isolation, access) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
            connection.begin_with_config(Some(isolation), Some(access)).await?
        } else {
            connection.begin().await?
        };
        let source = Self { name, snapshot, backend };
        source.check_tables().await?;
        Ok(source)
    }

    /// The name of the source, without user and password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn check_tables(&self) -> Result<()> {
        let sql = if self.backend == DbBackend::Postgres {
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema()"
        } else {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table'"
        };
        let mut found: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.query(sql.to_owned()).await? {
            found.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
        }
        let expect = |table: &str, column: &str| {
            if found.get(table).is_some_and(|columns| columns.iter().any(|known| known == column)) {
                return Ok(());
            }
            let message = format!(
                "{} is not a sales-assistant database, or its role lacks read permission: no column {table}.{column}",
                self.name
            );
            Err(Error::invalid(engine::Reason::SourceInvalid, "from", message))
        };
        for spec in spec::tables() {
            for column in spec.table.columns.iter().filter_map(|column| spec.source_column(column))
            {
                expect(spec.name, column)?;
            }
        }
        for column in ["industry_id", "solution_id", "created_at", "updated_at"] {
            expect("industry_solutions", column)?;
        }
        expect("alembic_version", "version_num")
    }

    /// The number of rows of a table with a primary key above `after`.
    pub(super) async fn count_after(&self, table: &str, after: i64) -> Result<u64> {
        self.number(format!("SELECT count(*) FROM \"{table}\" WHERE \"id\" > {after}")).await
    }

    /// The primary keys of a table above `after` and up to `last`, in ascending order, at most `most` keys.
    pub(super) async fn keys(
        &self,
        table: &str,
        after: i64,
        last: i64,
        most: usize,
    ) -> Result<Vec<i64>> {
        let sql = format!(
            "SELECT CAST(\"id\" AS BIGINT) FROM \"{table}\" WHERE \"id\" > {after} AND \"id\" <= {last} \
             ORDER BY \"id\" LIMIT {most}"
        );
        let rows = self.query(sql).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// The number of rows of a table whose key is not an integer, which only SQLite allows.
    pub(super) async fn odd_keys(&self, table: &str) -> Result<u64> {
        if self.backend == DbBackend::Postgres {
            return Ok(0);
        }
        let odd = "typeof(\"id\") <> 'integer'";
        self.number(format!("SELECT count(*) FROM \"{table}\" WHERE {odd}")).await
    }

    async fn number(&self, sql: String) -> Result<u64> {
        let number = self.query(sql).await?.first().map(|row| row.try_get_by_index::<i64>(0));
        Ok(number.transpose()?.unwrap_or_default().unsigned_abs())
    }

    /// Rows of a table, ordered by primary key.
    pub(super) async fn rows(&self, spec: &TableSpec, which: Which<'_>) -> Result<Vec<RawRow>> {
        let condition = match which {
            Which::After(key) => format!("s.\"id\" > {key}"),
            Which::Keys(keys) => {
                let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
                format!("s.\"id\" IN ({})", keys.join(", "))
            }
        };
        let columns = &spec.table.columns;
        let named: Vec<_> = columns
            .iter()
            .filter_map(|column| Some(self.expression(column, spec.source_column(column)?)))
            .collect();
        let sql = format!(
            "SELECT CAST(\"id\" AS BIGINT), {} FROM \"{}\" s WHERE {condition} \
             ORDER BY s.\"id\" LIMIT {}",
            named.join(", "),
            spec.name,
            super::CHUNK
        );
        let rows = self.query(sql).await?;
        rows.iter()
            .map(|row| {
                let mut place = 0;
                let cells = columns.iter().map(|column| {
                    if spec.source_column(column).is_none() {
                        return Raw::Null;
                    }
                    place += 1;
                    cell(row, place, column.kind)
                });
                Ok(RawRow { cells: cells.collect(), id: row.try_get_by_index(0)? })
            })
            .collect()
    }

    /// The number of rows up to the primary key `last` that were written after a timestamp.
    pub(super) async fn written_since(
        &self,
        table: &str,
        last: i64,
        since: DateTime<Utc>,
    ) -> Result<u64> {
        // The timestamp format of the document on SQLite, which Postgres can also parse.
        let since = since.format("%Y-%m-%d %H:%M:%S");
        self.number(format!(
            "SELECT count(*) FROM \"{table}\" WHERE \"id\" <= {last} AND \"updated_at\" > '{since}'"
        ))
        .await
    }

    /// The links between industries and solutions, with their timestamps.
    pub(super) async fn pairs(&self) -> Result<Vec<[String; 4]>> {
        let text = |column: &str| format!("CAST(\"{column}\" AS TEXT)");
        let columns =
            ["industry_id", "solution_id", "created_at", "updated_at"].map(text).join(", ");
        let sql = format!(
            "SELECT {columns} FROM \"industry_solutions\" ORDER BY \"industry_id\", \"solution_id\""
        );
        let rows = self.query(sql).await?;
        let text = |row: &QueryResult, index| {
            Ok::<_, Error>(row.try_get_by_index::<Option<String>>(index)?.unwrap_or_default())
        };
        rows.iter()
            .map(|row| Ok([text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?]))
            .collect()
    }

    /// The schema version.
    pub(super) async fn version(&self) -> Result<Option<String>> {
        let sql = "SELECT \"version_num\" FROM \"alembic_version\" ORDER BY 1 DESC LIMIT 1";
        let rows = self.query(sql.to_owned()).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Duplicate texts in a column, ignoring the case of A–Z, if at least one of the duplicates is in a row with a
    /// primary key above `after`. Returns the number of affected rows, and the most frequent texts with their counts.
    pub(super) async fn repeated(
        &self,
        table: &str,
        column: &str,
        after: i64,
    ) -> Result<(u64, Vec<(String, i64)>)> {
        let folded = match self.backend {
            DbBackend::Postgres => format!("lower(\"{column}\" COLLATE \"C\")"),
            _ => format!("lower(\"{column}\")"),
        };
        let groups = format!(
            "SELECT {folded} AS word, count(*) AS times FROM \"{table}\" WHERE \"{column}\" IS NOT NULL \
             GROUP BY {folded} HAVING count(*) > 1 AND max(\"id\") > {after}"
        );
        let rows =
            format!("SELECT CAST(COALESCE(sum(times), 0) AS BIGINT) FROM ({groups}) repeated");
        let rows = self.number(rows).await?;
        let first = self.query(format!("{groups} ORDER BY times DESC, word LIMIT 5")).await?;
        let first = first
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .collect::<Result<_>>()?;
        Ok((rows, first))
    }

    /// The rows whose `column` references a missing row of `to`: their number, and the first few primary keys.
    pub(super) async fn orphans(
        &self,
        table: &str,
        key: &str,
        column: &str,
        to: &str,
    ) -> Result<(u64, Vec<String>)> {
        let condition = format!(
            "t.\"{column}\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"{to}\" p WHERE p.\"id\" = t.\"{column}\")"
        );
        let sql = format!("SELECT count(*) FROM \"{table}\" t WHERE {condition}");
        let count = self.number(sql).await?;
        if count == 0 {
            return Ok((0, Vec::new()));
        }
        let sql = format!(
            "SELECT CAST(t.\"{key}\" AS TEXT) FROM \"{table}\" t WHERE {condition} ORDER BY t.\"{key}\" LIMIT 5"
        );
        let rows = self.query(sql).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        Ok((count, ids))
    }

    /// All values are read as text, so that one parser supports both engines, except floating-point numbers, which
    /// would lose precision as text.
    fn expression(&self, column: &Column, name: &str) -> String {
        match (column.kind, self.backend) {
            (Kind::Double, DbBackend::Postgres) => format!("CAST(\"{name}\" AS double precision)"),
            (Kind::Double, _) => format!(
                "CASE typeof(\"{name}\") WHEN 'real' THEN \"{name}\" WHEN 'integer' THEN \
                 CAST(\"{name}\" AS REAL) WHEN 'null' THEN NULL ELSE 9e999 END"
            ),
            _ => format!("CAST(\"{name}\" AS TEXT)"),
        }
    }

    async fn query(&self, sql: String) -> Result<Vec<QueryResult>> {
        let statement = Statement::from_string(self.backend, sql);
        Ok(self.snapshot.query_all_raw(statement).await?)
    }
}

/// Selects the rows to read.
#[derive(Clone, Copy)]
pub(super) enum Which<'k> {
    /// The next rows after a primary key.
    After(i64),
    /// The rows with these primary keys, at most one chunk.
    Keys(&'k [i64]),
}

fn cell(row: &QueryResult, index: usize, kind: Kind) -> Raw {
    if kind == Kind::Double {
        let number = row.try_get_by_index::<Option<f64>>(index);
        return number.map_or(Raw::Unreadable, |number| number.map_or(Raw::Null, Raw::Double));
    }
    let text = row.try_get_by_index::<Option<String>>(index);
    text.map_or(Raw::Unreadable, |text| text.map_or(Raw::Null, Raw::Text))
}

/// The connection URL, and the name without user and password.
fn address(url: &str) -> Result<(String, String)> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        return sqlite_source(rest);
    }
    let parsed = url::Url::parse(url).ok();
    match parsed.filter(|parsed| matches!(parsed.scheme(), "postgres" | "postgresql")) {
        Some(mut parsed) => {
            let host = parsed.host_str().unwrap_or("localhost");
            let port = parsed.port().unwrap_or(5432);
            // The query may also have parameters for the location of the database, which are part of the name;
            // credentials are not.
            let mut name = format!("postgres://{host}:{port}{}", parsed.path());
            for (key, value) in parsed.query_pairs() {
                if matches!(&*key, "host" | "hostaddr" | "port" | "dbname") {
                    let _ = write!(name, " {key}={value}");
                }
            }
            if parsed.scheme() == "postgresql" {
                // The driver supports only the short scheme.
                let short = url.replacen("postgresql", "postgres", 1);
                parsed = url::Url::parse(&short).map_err(|_| {
                    Error::invalid(
                        engine::Reason::SourceInvalid,
                        "from",
                        "the address is not a valid URL",
                    )
                })?;
            }
            Ok((parsed.to_string(), name))
        }
        None => Err(Error::invalid(
            engine::Reason::SourceInvalid,
            "from",
            "the source must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`",
        )),
    }
}

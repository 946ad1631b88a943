//! The database that is brought over, read as it stands at one moment.

use std::collections::HashMap;

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbBackend,
    IsolationLevel, QueryResult, Statement, TransactionTrait,
};

use super::spec::{self, TableSpec};
use crate::{
    error::{Error, Result},
    table::{Column, Kind},
};

/// The source: one transaction, so that what was looked at is what is copied.
pub(super) struct Source {
    name: String,
    snapshot: DatabaseTransaction,
    backend: DbBackend,
}

/// A cell as the source tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Null,
    Text(String),
    Double(f64),
}

/// A row of the source: its key and its cells, in the order of our table. Cells that the document
/// doesn't have are absent.
pub(super) struct RawRow {
    pub(super) id: i64,
    pub(super) cells: Vec<Raw>,
}

impl Source {
    /// Opens the source for reading and checks that it is one of the document's.
    pub(super) async fn open(url: &str) -> Result<Self> {
        let (url, name) = address(url)?;
        let mut options = ConnectOptions::new(url);
        // A refused connection is tried again until this is over.
        let patience = std::time::Duration::from_secs(3);
        options.max_connections(1).sqlx_logging(false).acquire_timeout(patience);
        let connection = Database::connect(options).await.map_err(|error| {
            Error::invalid("from", format!("can't open the source {name}: {error}"))
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

    /// What the source is called, without user and password.
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
                "{} is no sales-assistant database: it has no column {table}.{column}",
                self.name
            );
            Err(Error::invalid("from", message))
        };
        for spec in spec::tables() {
            for column in spec.table.columns.iter().filter_map(spec::source_column) {
                expect(spec.name, column)?;
            }
        }
        for column in ["industry_id", "solution_id", "created_at", "updated_at"] {
            expect("industry_solutions", column)?;
        }
        expect("alembic_version", "version_num")
    }

    /// How many rows of a table come after the key `after`.
    pub(super) async fn count(&self, table: &str, after: i64) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM \"{table}\" WHERE \"id\" > {after}");
        let count = self.query(sql).await?.first().map(|row| row.try_get_by_index::<i64>(0));
        Ok(count.transpose()?.unwrap_or_default().unsigned_abs())
    }

    /// The highest key of a table; 0 when it is empty.
    pub(super) async fn highest(&self, table: &str) -> Result<i64> {
        let sql = format!("SELECT CAST(COALESCE(max(\"id\"), 0) AS BIGINT) FROM \"{table}\"");
        let highest = self.query(sql).await?.first().map(|row| row.try_get_by_index::<i64>(0));
        Ok(highest.transpose()?.unwrap_or_default())
    }

    /// The next rows of a table after the key `after`.
    pub(super) async fn rows(&self, spec: &TableSpec, after: i64) -> Result<Vec<RawRow>> {
        let columns = &spec.table.columns;
        let named: Vec<_> = columns
            .iter()
            .filter_map(|column| Some(self.expression(column, spec::source_column(column)?)))
            .collect();
        let sql = format!(
            "SELECT CAST(\"id\" AS BIGINT), {} FROM \"{}\" s WHERE s.\"id\" > {after} \
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
                    if spec::source_column(column).is_none() {
                        return Ok(Raw::Null);
                    }
                    place += 1;
                    cell(row, place, column.kind)
                });
                Ok(RawRow { cells: cells.collect::<Result<_>>()?, id: row.try_get_by_index(0)? })
            })
            .collect()
    }

    /// The pairs of industries and solutions, with their stamps.
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

    /// The version of the schema.
    pub(super) async fn version(&self) -> Result<Option<String>> {
        let sql = "SELECT \"version_num\" FROM \"alembic_version\" ORDER BY 1 DESC LIMIT 1";
        let rows = self.query(sql.to_owned()).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Texts that repeat in a column, without regard to case: the text and how often it stands.
    pub(super) async fn repeated(&self, table: &str, column: &str) -> Result<Vec<(String, i64)>> {
        let sql = format!(
            "SELECT lower(\"{column}\"), count(*) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL \
             GROUP BY lower(\"{column}\") HAVING count(*) > 1 ORDER BY count(*) DESC, 1"
        );
        let rows = self.query(sql).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Keys of rows whose `column` points to no row of `to`: how many, and the first of them.
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
        let count = self.query(sql).await?.first().map(|row| row.try_get_by_index::<i64>(0));
        let count = count.transpose()?.unwrap_or_default().unsigned_abs();
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

    /// Everything is read as text, so that one reader understands both engines; only numbers with a
    /// fraction would lose digits that way.
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

fn cell(row: &QueryResult, index: usize, kind: Kind) -> Result<Raw> {
    Ok(if kind == Kind::Double {
        row.try_get_by_index::<Option<f64>>(index)?.map_or(Raw::Null, Raw::Double)
    } else {
        row.try_get_by_index::<Option<String>>(index)?.map_or(Raw::Null, Raw::Text)
    })
}

/// The address to connect to, and the name without user and password.
fn address(url: &str) -> Result<(String, String)> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or(rest);
        let path = std::fs::canonicalize(path)
            .map_err(|error| Error::invalid("from", format!("can't open {path}: {error}")))?;
        let path = path.display();
        return Ok((format!("sqlite://{path}?mode=ro"), format!("sqlite:{path}")));
    }
    let parsed = url::Url::parse(url).ok();
    match parsed.filter(|parsed| matches!(parsed.scheme(), "postgres" | "postgresql")) {
        Some(mut parsed) => {
            let host = parsed.host_str().unwrap_or("localhost");
            let port = parsed.port().unwrap_or(5432);
            let name = format!("postgres://{host}:{port}{}", parsed.path());
            if parsed.scheme() == "postgresql" {
                // The driver knows the short form only.
                let short = url.replacen("postgresql", "postgres", 1);
                parsed = url::Url::parse(&short)
                    .map_err(|_| Error::invalid("from", "the address can't be read"))?;
            }
            Ok((parsed.to_string(), name))
        }
        None => Err(Error::invalid(
            "from",
            "the source must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`",
        )),
    }
}

//! The source database, read in a consistent snapshot.

use std::collections::HashMap;

use engine::error::{Error, Result};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbBackend, QueryResult,
    Statement, TransactionTrait,
};

use super::{CHUNK, cell::Cell, tables::TABLES};
use crate::systems::sqlite_source::sqlite_source;

/// The source, read in a single transaction, so that exactly the validated rows are imported.
pub struct Source {
    name: String,
    snapshot: DatabaseTransaction,
    columns: HashMap<String, Vec<String>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A row of the source, by column name.
#[derive(Clone, Debug)]
pub(super) struct SourceRow {
    /// The row ID in its table.
    pub(super) place: i64,
    pub(super) cells: HashMap<&'static str, Cell>,
}

impl Source {
    /// Opens the source at `sqlite:PATH` read-only and checks that it has the schema of the document.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the source can't be opened or lacks a column of the document.
    pub async fn open(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("sqlite:").ok_or_else(|| {
            Error::invalid(
                engine::Reason::SourceInvalid,
                "from",
                "the source must be `sqlite:PATH`, the database of the enrichment document",
            )
        })?;
        let (address, name) = sqlite_source(rest)?;
        let mut options = ConnectOptions::new(address);
        options.max_connections(1).sqlx_logging(false);
        let unreadable = |error: sea_orm::DbErr| {
            Error::invalid(
                engine::Reason::SourceInvalid,
                "from",
                format!("can't open the source {name}: {error}"),
            )
        };
        let connection = Database::connect(options).await.map_err(unreadable)?;
        let snapshot = connection.begin().await.map_err(unreadable)?;
        let mut source = Self { name: name.clone(), snapshot, columns: HashMap::new() };
        let sql = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table'";
        for row in source.query(sql.to_owned()).await.map_err(|_| {
            Error::invalid(
                engine::Reason::SourceInvalid,
                "from",
                format!("{name} is not a SQLite database"),
            )
        })? {
            let columns = source.columns.entry(row.try_get_by_index(0)?).or_default();
            columns.push(row.try_get_by_index(1)?);
        }
        for table in TABLES {
            let there = source.columns.get(table.name);
            if there.is_none() && !table.must_be_there {
                continue;
            }
            for (column, _) in table.columns {
                if !there.is_some_and(|there| there.iter().any(|known| known == column)) {
                    let message = format!(
                        "{name} is not an enrichment database: column {}.{column} is missing",
                        table.name
                    );
                    return Err(Error::invalid(engine::Reason::SourceInvalid, "from", message));
                }
            }
        }
        Ok(source)
    }

    /// The name of the source.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn has(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    /// The number of rows of a table; 0 if the table does not exist.
    pub(super) async fn count(&self, table: &str) -> Result<u64> {
        if !self.has(table) {
            return Ok(0);
        }
        let rows = self.query(format!("SELECT count(*) FROM \"{table}\"")).await?;
        let count: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// The numbers of rows of a table by the text in `column`.
    pub(super) async fn counts_by(
        &self,
        table: &str,
        column: &str,
    ) -> Result<HashMap<String, i64>> {
        let sql = format!(
            "SELECT CAST(\"{column}\" AS TEXT), count(*) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL \
             GROUP BY 1"
        );
        let rows = self.query(sql).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// The next rows of a table after a row ID.
    pub(super) async fn rows(
        &self,
        table: &str,
        columns: &'static [(&'static str, super::cell::Kind)],
        after: i64,
    ) -> Result<Vec<SourceRow>> {
        if !self.has(table) {
            return Ok(Vec::new());
        }
        // Each value is read as text, together with its type, because SQLite allows values of any type in any column.
        let told = columns.iter().map(|(column, _)| {
            format!(
                "typeof(\"{column}\"), CASE typeof(\"{column}\") WHEN 'real' THEN \
                 printf('%!.17g', \"{column}\") WHEN 'blob' THEN NULL ELSE CAST(\"{column}\" AS TEXT) END"
            )
        });
        let sql = format!(
            "SELECT rowid, {} FROM \"{table}\" WHERE rowid > {after} ORDER BY rowid LIMIT {CHUNK}",
            told.collect::<Vec<_>>().join(", ")
        );
        let rows = self.query(sql).await?;
        rows.iter()
            .map(|row| {
                let mut cells = HashMap::new();
                for (number, (column, _)) in columns.iter().enumerate() {
                    let kind: String = row.try_get_by_index(2 * number + 1)?;
                    let text = row.try_get_by_index::<Option<String>>(2 * number + 2);
                    cells.insert(*column, Cell::of(&kind, text.ok().flatten()));
                }
                Ok(SourceRow { place: row.try_get_by_index(0)?, cells })
            })
            .collect()
    }

    async fn query(&self, sql: String) -> Result<Vec<QueryResult>> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        Ok(self.snapshot.query_all_raw(statement).await?)
    }
}

//! Reads the same rows through the database driver alone: one connection per client, prepared statements, and no
//! processing of rows except to collect the primary keys for the next level.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{
    Column, Connection, Row, SqliteConnection, TypeInfo,
    postgres::{PgConnectOptions, PgConnection, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow},
};

use crate::questions::{Place, Question};

/// A bind parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Bind {
    Int(i64),
    Text(String),
    Moment(String),
    Keys(Vec<i64>),
}

/// A connection of a database driver.
pub(crate) enum Bare {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Rows as returned by the driver.
pub(crate) enum Rows {
    Postgres(Vec<PgRow>),
    Sqlite(Vec<SqliteRow>),
}

impl Bare {
    pub(crate) async fn connect(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let options = SqliteConnectOptions::new()
                .filename(path)
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("cache_size", "-32768")
                .pragma("mmap_size", "268435456")
                .busy_timeout(std::time::Duration::from_secs(10))
                .statement_cache_capacity(100);
            return Self::Sqlite(SqliteConnection::connect_with(&options).await.unwrap());
        }
        // The same settings as in the server, so that the planner has the same options.
        let options = PgConnectOptions::from_str(url).unwrap();
        let options = options.options([("jit", "off"), ("random_page_cost", "1.1")]);
        Self::Postgres(PgConnection::connect_with(&options).await.unwrap())
    }

    pub(crate) async fn fetch(&mut self, sql: &'static str, binds: Vec<Bind>) -> Rows {
        match self {
            Self::Postgres(connection) => {
                let mut query = sqlx::query(sql);
                for bind in binds {
                    query = match bind {
                        Bind::Int(value) => query.bind(value),
                        Bind::Text(value) => query.bind(value),
                        Bind::Moment(value) => {
                            query.bind(DateTime::<Utc>::from_str(&value).unwrap())
                        }
                        Bind::Keys(keys) => query.bind(keys),
                    };
                }
                Rows::Postgres(query.fetch_all(connection).await.unwrap())
            }
            Self::Sqlite(connection) => {
                let mut query = sqlx::query(sql);
                for bind in binds {
                    query = match bind {
                        Bind::Int(value) => query.bind(value),
                        Bind::Text(value) | Bind::Moment(value) => query.bind(value),
                        Bind::Keys(keys) => query.bind(Value::from(keys).to_string()),
                    };
                }
                Rows::Sqlite(query.fetch_all(connection).await.unwrap())
            }
        }
    }

    /// Reads the rows of each level of a query.
    pub(crate) async fn ask(
        &mut self,
        question: &Question,
        place: &Place,
        number: u64,
    ) -> Vec<Rows> {
        let engine = usize::from(matches!(self, Self::Sqlite(_)));
        let mut levels: Vec<Rows> = Vec::new();
        for level in question.levels {
            let mut binds = (level.binds)(place, number);
            if let Some(above) = level.below {
                binds.push(Bind::Keys(levels[above].keys()));
            }
            levels.push(self.fetch(level.sql[engine], binds).await);
        }
        levels
    }
}

impl Rows {
    /// The first column.
    pub(crate) fn keys(&self) -> Vec<i64> {
        match self {
            Self::Postgres(rows) => rows.iter().map(|row| row.get(0)).collect(),
            Self::Sqlite(rows) => rows.iter().map(|row| row.get(0)).collect(),
        }
    }

    /// The first `columns` columns of all rows.
    pub(crate) fn values(&self, columns: usize) -> Vec<Vec<Value>> {
        fn value<R: Row>(row: &R, column: usize) -> Value
        where
            usize: sqlx::ColumnIndex<R>,
            for<'r> Option<i64>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            for<'r> Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            if row.columns()[column].type_info().name().starts_with("INT") {
                return json!(row.get_unchecked::<Option<i64>, _>(column));
            }
            match row.try_get::<Option<String>, _>(column) {
                Ok(text) => json!(text),
                Err(_) => json!(row.get_unchecked::<Option<i64>, _>(column)),
            }
        }
        let all = 0..columns;
        match self {
            Self::Postgres(rows) => {
                rows.iter().map(|row| all.clone().map(|at| value(row, at)).collect()).collect()
            }
            Self::Sqlite(rows) => {
                rows.iter().map(|row| all.clone().map(|at| value(row, at)).collect()).collect()
            }
        }
    }
}

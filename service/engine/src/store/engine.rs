//! Database engines.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value as Bind};

use crate::value::{Kind, Value};

/// The database engine of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded engine.
    Sqlite,
    /// A database server.
    Postgres,
}

impl Engine {
    /// The display name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }

    /// The backend in SeaORM.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// Builds a statement from `sql`, in which each `{}` is the placeholder of the next bind parameter.
    pub fn statement(self, sql: &str, binds: Vec<Bind>) -> Statement {
        let mut text = String::with_capacity(sql.len() + 16);
        for (number, part) in sql.split("{}").enumerate() {
            match self {
                _ if number == 0 => {}
                Self::Postgres => {
                    let _ = write!(text, "${number}");
                }
                // Without a number: SQLite looks up parameter names linearly, and `?7` is a name.
                Self::Sqlite => text.push('?'),
            }
            text.push_str(part);
        }
        Statement::from_sql_and_values(self.backend(), text, binds)
    }
}

impl Engine {
    /// Returns a condition that matches any of `keys`, passed as one bind parameter, for SQL in which each `{}` is
    /// the placeholder of the next bind parameter.
    pub fn among(self, keys: &[i64], binds: &mut Vec<Bind>) -> &'static str {
        match self {
            Self::Postgres => {
                let keys = keys.iter().copied().map(Value::Int).collect();
                binds.push(Value::array(keys, Kind::BigInt));
                "= ANY({})"
            }
            Self::Sqlite => {
                binds.push(serde_json::Value::from(keys).to_string().into());
                "IN (SELECT value FROM json_each({}))"
            }
        }
    }

    /// Like [`among`](Self::among), for texts.
    pub fn among_texts(self, texts: Vec<String>, binds: &mut Vec<Bind>) -> &'static str {
        match self {
            Self::Postgres => {
                let texts = texts.into_iter().map(Value::Text).collect();
                binds.push(Value::array(texts, Kind::Text));
                "= ANY({})"
            }
            Self::Sqlite => {
                binds.push(serde_json::Value::from(texts).to_string().into());
                "IN (SELECT value FROM json_each({}))"
            }
        }
    }

    /// A query for rows of `columns` whole numbers, as one bind parameter, for SQL in which each `{}` is the placeholder of
    /// the next bind parameter. The query does not name its columns.
    #[must_use]
    pub fn number_rows(self, columns: usize, rows: Vec<Vec<i64>>) -> (String, Bind) {
        let rows: Bind = serde_json::Value::from(rows).to_string().into();
        let column = |place| match self {
            Self::Postgres => format!("(v->>{place})::bigint"),
            Self::Sqlite => format!("json_extract(v.\"value\", '$[{place}]')"),
        };
        let columns: Vec<_> = (0..columns).map(column).collect();
        let from = match self {
            Self::Postgres => "jsonb_array_elements({}::text::jsonb) v",
            Self::Sqlite => "json_each({}) v",
        };
        (format!("SELECT {} FROM {from}", columns.join(", ")), rows)
    }

    /// The condition for rows of an organization whose `column` references a row, for SQL in which each `{}` is the
    /// placeholder of the next bind parameter: the referenced row, then the organization.
    #[must_use]
    pub fn referencing(self, column: &str) -> String {
        format!("\"{column}\" = {{}} AND {}\"organization_id\" = {{}}", self.not_by())
    }

    /// An SQL expression that compares the text in `column` without regard to the case of A–Z.
    pub fn folded(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("lower(\"{column}\" COLLATE \"C\")"),
            Self::Sqlite => format!("\"{column}\" COLLATE NOCASE"),
        }
    }

    /// A prefix for the organization column that prevents SQLite, which has no statistics, from using the
    /// organization index when a more selective one is available (<https://www.sqlite.org/optoverview.html>, 2.1).
    pub fn not_by(self) -> &'static str {
        if self == Self::Sqlite { "+" } else { "" }
    }
}

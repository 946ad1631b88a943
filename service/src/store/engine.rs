//! The engines.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value as Bind};

use crate::{table::Kind, value::Value};

/// The engine behind a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }

    /// What SeaORM calls it.
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// A statement in which every `{}` of `sql` is the place of the next of `binds`.
    pub(crate) fn statement(self, sql: &str, binds: Vec<Bind>) -> Statement {
        let mut text = String::with_capacity(sql.len() + 16);
        for (number, part) in sql.split("{}").enumerate() {
            match self {
                _ if number == 0 => {}
                Self::Postgres => {
                    let _ = write!(text, "${number}");
                }
                // Without its number: SQLite looks for the names of places one by one, and `?7` is a name.
                Self::Sqlite => text.push('?'),
            }
            text.push_str(part);
        }
        Statement::from_sql_and_values(self.backend(), text, binds)
    }
}

impl Engine {
    /// ` = …` any of `keys`, which become one bind; in a text in which every `{}` is the place of the next.
    pub(crate) fn among(self, keys: &[i64], binds: &mut Vec<Bind>) -> &'static str {
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

    /// The text in `column` as names of rows are compared: without regard to the case of A–Z.
    pub(crate) fn folded(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("lower(\"{column}\" COLLATE \"C\")"),
            Self::Sqlite => format!("\"{column}\" COLLATE NOCASE"),
        }
    }

    /// What keeps SQLite, without statistics, from looking for rows by the organization that stands behind it,
    /// where they are found by something narrower (<https://www.sqlite.org/optoverview.html>, 2.1).
    pub(crate) fn not_by(self) -> &'static str {
        if self == Self::Sqlite { "+" } else { "" }
    }
}

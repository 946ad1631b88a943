//! Rows as the source of a statement that writes many of them.

use std::fmt::Write as _;

use sea_orm::Value as Bind;
use serde_json::Value as Json;

use crate::{
    store::Engine,
    table::Column,
    value::{Kind, Value},
};

/// The maximum number of bind parameters in one statement: below the limits of SQLite (32,766) and Postgres
/// (65,535).
pub(crate) const MAX_BINDS: usize = 30_000;

/// Some columns of a table, whose values rows provide.
#[derive(Debug)]
pub(crate) struct RowSource<'t> {
    columns: &'t [Column],
    /// The indexes of the columns in a row.
    places: Vec<usize>,
}

impl<'t> RowSource<'t> {
    /// The columns at `places`.
    pub(crate) fn new(columns: &'t [Column], places: Vec<usize>) -> Self {
        Self { columns, places }
    }

    /// The maximum number of rows in one statement.
    pub(crate) fn chunk(&self) -> usize {
        (MAX_BINDS / self.places.len().max(1)).max(1)
    }

    /// The names of the columns, quoted and separated by commas.
    pub(crate) fn names(&self) -> String {
        let names = self.places.iter().map(|place| self.columns[*place].name);
        names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }

    /// The values of a row.
    pub(crate) fn binds(&self, row: &[Value]) -> impl Iterator<Item = Bind> {
        self.places.iter().map(|place| row[*place].clone().bind(self.columns[*place].kind))
    }

    /// The placeholders for the values of a row.
    pub(crate) fn placeholders(&self) -> String {
        vec!["{}"; self.places.len()].join(", ")
    }

    /// A query for the rows in their order, and its bind parameters. Its columns have no names of their own.
    pub(crate) fn query(&self, engine: Engine, rows: &[&[Value]]) -> (String, Vec<Bind>) {
        // A JSON null would become a null of the database.
        let is_json_safe = || {
            rows.iter().all(|row| self.places.iter().all(|p| row[*p] != Value::Json(Json::Null)))
        };
        if engine == Engine::Postgres && rows.len() > 1 && is_json_safe() {
            return (self.json_query(), vec![self.json_rows(rows)]);
        }
        let row = format!("({})", self.placeholders());
        let mut sql = String::new();
        let _ = write!(sql, "VALUES {}", vec![row.as_str(); rows.len()].join(", "));
        (sql, rows.iter().flat_map(|row| self.binds(row)).collect())
    }

    /// The rows as one JSON value: Postgres takes longer to parse thousands of placeholders than to insert their rows.
    fn json_rows(&self, rows: &[&[Value]]) -> Bind {
        let object = |row: &&[Value]| {
            let cells = self
                .places
                .iter()
                .map(|place| (self.columns[*place].name.to_owned(), row[*place].json()));
            Json::Object(cells.collect())
        };
        Value::Json(Json::Array(rows.iter().map(object).collect())).bind(Kind::Json)
    }

    fn json_query(&self) -> String {
        let typed = self.places.iter().map(|place| &self.columns[*place]).map(|column| {
            let kind = match column.kind {
                Kind::Bool => "boolean",
                Kind::BigInt => "bigint",
                Kind::Int => "integer",
                Kind::Double => "double precision",
                Kind::Text => "text",
                Kind::Time => "timestamptz",
                Kind::Json => "jsonb",
            };
            format!("\"{}\" {kind}", column.name)
        });
        let (names, typed) = (self.names(), typed.collect::<Vec<_>>().join(", "));
        format!(
            "SELECT {names} FROM ROWS FROM (jsonb_to_recordset({{}}) AS ({typed})) \
             WITH ORDINALITY AS v({names}, \"ordinality\") ORDER BY \"ordinality\""
        )
    }
}

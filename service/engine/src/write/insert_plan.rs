//! The plan of an insertion: the table and the columns. It is rendered to a statement for one row, for many rows, or for
//! a row that depends on a condition.

use std::fmt::Write as _;

use sea_orm::Value as Bind;
use serde_json::Value as Json;

use crate::{
    store::Engine,
    table::{Column, Table},
    value::{Kind, Value},
};

/// The maximum number of bind parameters in one statement: below the limits of SQLite (32,766) and Postgres
/// (65,535).
const MAX_BINDS: usize = 30_000;

/// The table and the columns of an insertion.
#[derive(Debug)]
pub(super) struct InsertPlan<'t> {
    table: &'t str,
    columns: &'t [Column],
    /// The indexes of the inserted columns.
    places: Vec<usize>,
}

impl<'t> InsertPlan<'t> {
    /// Inserts all columns.
    pub(super) fn all(table: &'t str, columns: &'t [Column]) -> Self {
        Self { table, columns, places: (0..columns.len()).collect() }
    }

    /// Inserts all columns but the primary key, which the database assigns.
    pub(super) fn without_key(table: &'t Table) -> Self {
        let mut plan = Self::all(table.name, &table.columns);
        let key = table.id();
        plan.places.retain(|place| *place != key);
        plan
    }

    /// The maximum number of rows in one statement.
    pub(super) fn chunk(&self) -> usize {
        (MAX_BINDS / self.places.len().max(1)).max(1)
    }

    /// The statement that inserts rows, which have a value for each column of the table, and its bind parameters. Primary
    /// keys are assigned in the order of the rows.
    pub(super) fn rows(&self, engine: Engine, rows: &[&[Value]]) -> (String, Vec<Bind>) {
        let mut sql = self.head();
        // A JSON null would become a null of the database.
        let is_json_safe = || {
            rows.iter().all(|row| self.places.iter().all(|p| row[*p] != Value::Json(Json::Null)))
        };
        if engine == Engine::Postgres && rows.len() > 1 && is_json_safe() {
            let source = self.json_source();
            sql.push_str(&source);
            return (sql, vec![self.json_rows(rows)]);
        }
        let row = format!("({})", vec!["{}"; self.places.len()].join(", "));
        let _ = write!(sql, "VALUES {}", vec![row.as_str(); rows.len()].join(", "));
        (sql, rows.iter().flat_map(|row| self.binds(row)).collect())
    }

    /// The beginning of a statement that inserts one row, to be followed by the `FROM` or `WHERE` clause of the condition
    /// for it, and its bind parameters.
    pub(super) fn conditional_row(&self, row: &[Value]) -> (String, Vec<Bind>) {
        let sql = format!("{}SELECT {}", self.head(), vec!["{}"; self.places.len()].join(", "));
        (sql, self.binds(row).collect())
    }

    fn head(&self) -> String {
        format!("INSERT INTO \"{}\" ({}) ", self.table, self.names())
    }

    fn inserted(&self) -> impl Iterator<Item = &'t Column> {
        self.places.iter().map(|place| &self.columns[*place])
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.inserted().map(|column| format!("\"{}\"", column.name)).collect();
        names.join(", ")
    }

    fn binds(&self, row: &[Value]) -> impl Iterator<Item = Bind> {
        self.places.iter().map(|place| row[*place].clone().bind(self.columns[*place].kind))
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

    fn json_source(&self) -> String {
        let typed = self.inserted().map(|column| {
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

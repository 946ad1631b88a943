//! Appends entries to the change log.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value as Bind};
use serde_json::Value as Json;

use crate::{
    error::Result,
    row_source::RowSource,
    scope::Scope,
    store::Engine,
    table::{Column, Table},
    value::{Kind, Value},
};

/// A change log entry, which records one change of a row.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Entity name, e.g. `prospect`.
    pub(crate) entity: &'static str,
    /// Primary key of the row; `None` for entries that cover many rows.
    pub(crate) record: Option<i64>,
    /// Primary key of the prospect that the row is or belongs to.
    pub(crate) prospect: Option<i64>,
    /// One of [`super::kind`].
    pub(crate) kind: &'static str,
    /// Previous values of the changed columns.
    pub(crate) before: Option<Json>,
    /// The row after the write.
    pub(crate) after: Option<Json>,
}

impl Entry {
    /// An entry without values.
    pub(crate) fn bare(table: &'static Table, record: Option<i64>, kind: &'static str) -> Self {
        Self { entity: table.called, record, prospect: None, kind, before: None, after: None }
    }

    /// An entry with the previous and the current values of the row.
    pub(crate) fn of(
        table: &'static Table,
        record: Option<i64>,
        kind: &'static str,
        before: Option<Json>,
        after: Option<Json>,
    ) -> Self {
        let (before, after) = if table.confidential { (None, None) } else { (before, after) };
        let person = |row: &Option<Json>| row.as_ref().and_then(|row| row["prospect_id"].as_i64());
        // The entry belongs to the previous prospect; later entries belong to the new prospect.
        let prospect = if table.name == "prospects" {
            record
        } else {
            person(&before).or_else(|| person(&after))
        };
        Self { prospect, before, after, ..Self::bare(table, record, kind) }
    }

    /// The values of an entry, in the order of [`COLUMNS`].
    fn values(self, scope: &Scope, now: DateTime<Utc>) -> Vec<Value> {
        let json = |json: Option<Json>| json.map_or(Value::Null, Value::Json);
        let key = |key: Option<i64>| key.map_or(Value::Null, Value::Int);
        let text =
            |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
        vec![
            Value::Int(scope.organization()),
            text(Some(self.entity)),
            key(self.record),
            key(self.prospect),
            text(Some(self.kind)),
            json(self.before),
            json(self.after),
            text(Some(scope.actor().kind())),
            text(scope.actor().name()),
            text(scope.request()),
            text(scope.client_request()),
            Value::Time(now),
        ]
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true, length: None }
}

/// The columns of an entry whose values the server provides.
static COLUMNS: [Column; 12] = [
    column("organization_id", Kind::BigInt),
    column("entity", Kind::Text),
    column("record_id", Kind::BigInt),
    column("prospect_id", Kind::BigInt),
    column("kind", Kind::Text),
    column("before", Kind::Json),
    column("after", Kind::Json),
    column("actor_kind", Kind::Text),
    column("actor_name", Kind::Text),
    column("request_id", Kind::Text),
    column("client_request_id", Kind::Text),
    column("created_at", Kind::Time),
];

/// The index of the primary key of the row in [`COLUMNS`].
const RECORD: usize = 2;

/// The columns whose values the database provides, and their SQL expressions.
fn position(engine: Engine) -> (&'static str, &'static str) {
    let values = match engine {
        Engine::Postgres => {
            "(SELECT \"epoch\" FROM \"change_log\" WHERE \"id\" = 1), pg_current_xact_id()::text::bigint"
        }
        Engine::Sqlite => "(SELECT \"epoch\" FROM \"change_log\" WHERE \"id\" = 1), 0",
    };
    ("\"epoch\", \"transaction_number\"", values)
}

fn source() -> RowSource<'static> {
    RowSource::new(&COLUMNS, (0..COLUMNS.len()).collect())
}

/// Inserts entries into the change log, in the transaction of the writes they record.
pub(crate) async fn append<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
) -> Result<()> {
    let engine = scope.store().engine();
    let source = source();
    let (columns, position) = position(engine);
    let rows: Vec<_> = entries.into_iter().map(|entry| entry.values(scope, now)).collect();
    for rows in rows.chunks(source.chunk()) {
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        let (rows, binds) = source.query(engine, &rows);
        let sql = format!(
            "INSERT INTO \"changes\" ({}, {columns}) SELECT v.*, {position} FROM ({rows}) v",
            source.names()
        );
        connection.execute_raw(engine.statement(&sql, binds)).await?;
    }
    Ok(())
}

/// Returns the statement that logs the creation of a row by a preceding or enclosing statement, together with the bind
/// parameters for logging. `id` is an expression for the primary key of the row; `made` is the FROM clause, with the
/// condition that the row exists.
pub(crate) fn beside(
    scope: &Scope,
    now: DateTime<Utc>,
    entry: Entry,
    id: &str,
    made: &str,
) -> (String, Vec<Bind>) {
    let engine = scope.store().engine();
    let after = match engine {
        Engine::Postgres => format!("{{}} || jsonb_build_object('id', {id})"),
        Engine::Sqlite => format!("json_set({{}}, '$.id', {id})"),
    };
    let values = entry.values(scope, now);
    let source = source();
    let mut binds: Vec<Bind> = source.binds(&values).collect();
    // The expression `id` replaces the bind parameter of the primary key.
    binds.remove(RECORD);
    let values = COLUMNS.iter().enumerate().map(|(place, column)| match column.name {
        _ if place == RECORD => id,
        "after" => after.as_str(),
        _ => "{}",
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let (columns, position) = position(engine);
    let sql = format!(
        "INSERT INTO \"changes\" ({}, {columns}) SELECT {values}, {position} {made}",
        source.names()
    );
    (sql, binds)
}

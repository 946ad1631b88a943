//! Appends entries to the change log.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value as Bind};
use serde_json::Value as Json;

use crate::{
    error::Result,
    scope::Scope,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

/// Number of entries inserted per statement.
const CHUNK: usize = 500;

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

    /// The bind parameters of an entry, in the order of [`COLUMNS`].
    fn binds(self, scope: &Scope, now: DateTime<Utc>) -> [Bind; 12] {
        let json = |json: Option<Json>| json.map_or(Value::Null, Value::Json).bind(Kind::Json);
        [
            scope.organization().into(),
            self.entity.into(),
            Bind::BigInt(self.record),
            Bind::BigInt(self.prospect),
            self.kind.into(),
            json(self.before),
            json(self.after),
            scope.actor().kind().into(),
            Bind::String(scope.actor().name().map(str::to_owned)),
            Bind::String(scope.request().map(str::to_owned)),
            Bind::String(scope.client_request().map(str::to_owned)),
            Value::Time(now).bind(Kind::Time),
        ]
    }
}

/// Columns of an entry.
const COLUMNS: &str = "\"epoch\", \"transaction_number\", \"organization_id\", \"entity\", \"record_id\", \
                       \"prospect_id\", \"kind\", \"before\", \"after\", \"actor_kind\", \"actor_name\", \
                       \"request_id\", \"client_request_id\", \"created_at\"";

/// SQL expressions for the first columns, whose values the database provides.
fn position(engine: Engine) -> String {
    let number = match engine {
        Engine::Postgres => "pg_current_xact_id()::text::bigint",
        Engine::Sqlite => "0",
    };
    format!("(SELECT \"epoch\" FROM \"change_log\" WHERE \"id\" = 1), {number}")
}

/// Inserts entries into the change log, in the transaction of the writes they record.
pub(crate) async fn append<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
) -> Result<()> {
    let engine = scope.store().engine();
    let row = format!("({}{})", position(engine), ", {}".repeat(12));
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut sql = format!("INSERT INTO \"changes\" ({COLUMNS}) VALUES ");
        let mut binds: Vec<Bind> = Vec::new();
        for (index, entry) in entries.by_ref().take(CHUNK).enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            sql.push_str(&row);
            binds.extend(entry.binds(scope, now));
        }
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
    let mut binds = entry.binds(scope, now).to_vec();
    // The expression `id` replaces the bind parameter of the primary key.
    binds.remove(2);
    let position = position(engine);
    let sql = format!(
        "INSERT INTO \"changes\" ({COLUMNS}) SELECT {position}, {{}}, {{}}, {id}, {{}}, {{}}, {{}}, {after}, \
         {{}}, {{}}, {{}}, {{}}, {{}} {made}"
    );
    (sql, binds)
}

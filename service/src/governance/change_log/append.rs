//! Writes entries.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value as Bind};
use serde_json::Value as Json;

use crate::{
    error::Result,
    scope::Scope,
    store::Engine,
    table::{Kind, Table},
    value::Value,
};

/// Entries written by one statement.
const CHUNK: usize = 500;

/// What happened to a row.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it is called: `prospect`.
    pub(crate) entity: &'static str,
    /// Its key; absent for many rows.
    pub(crate) record: Option<i64>,
    /// Whom it is about: the key of the prospect it is or belongs to.
    pub(crate) prospect: Option<i64>,
    /// One of [`super::kind`].
    pub(crate) kind: &'static str,
    /// What the write changed.
    pub(crate) before: Option<Json>,
    /// The row afterwards.
    pub(crate) after: Option<Json>,
}

impl Entry {
    /// An entry that tells no values.
    pub(crate) fn bare(table: &'static Table, record: Option<i64>, kind: &'static str) -> Self {
        Self { entity: table.called, record, prospect: None, kind, before: None, after: None }
    }
}

/// Writes entries into the log, in the transaction of what they tell of.
pub(crate) async fn append<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
) -> Result<()> {
    let engine = scope.store().engine();
    let number = match engine {
        Engine::Postgres => "pg_current_xact_id()::text::bigint",
        Engine::Sqlite => "0",
    };
    let row = format!(
        "((SELECT \"epoch\" FROM \"change_log\" WHERE \"id\" = 1), {number}, \
         {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}})"
    );
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut sql = "INSERT INTO \"changes\" (\"epoch\", \"transaction_number\", \
                       \"organization_id\", \"entity\", \"record_id\", \"prospect_id\", \"kind\", \"before\", \
                       \"after\", \"actor_kind\", \"actor_name\", \"request_id\", \"created_at\") VALUES "
            .to_owned();
        let mut binds: Vec<Bind> = Vec::new();
        for (index, entry) in entries.by_ref().take(CHUNK).enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            sql.push_str(&row);
            let json = |json: Option<Json>| json.map_or(Value::Null, Value::Json).bind(Kind::Json);
            binds.extend([
                scope.organization().into(),
                entry.entity.into(),
                Bind::BigInt(entry.record),
                Bind::BigInt(entry.prospect),
                entry.kind.into(),
                json(entry.before),
                json(entry.after),
                scope.actor().kind().into(),
                Bind::String(scope.actor().name().map(str::to_owned)),
                Bind::String(scope.request().map(str::to_owned)),
                Value::Time(now).bind(Kind::Time),
            ]);
        }
        connection.execute_raw(engine.statement(&sql, binds)).await?;
    }
    Ok(())
}

//! Indexes and triggers that are removed while the rows of a whole database are copied into a new one, and created again
//! afterwards. An index is built from sorted rows several times faster than row by row, and the copied rows already
//! satisfy the rules that the triggers check.

use engine::{error::Result, store::Engine};
use sea_orm::{ConnectionTrait, Statement};

/// The statements that complete the database.
#[derive(Debug, Default)]
pub(super) struct PostponedSchema {
    /// The search documents of the copied rows.
    documents: Vec<String>,
    /// Creation of the indexes and triggers.
    create: Vec<String>,
}

/// An index or trigger of a database.
struct SchemaObject {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

async fn read<C: ConnectionTrait>(
    connection: &C,
    engine: Engine,
    sql: &str,
) -> Result<Vec<SchemaObject>> {
    let rows = connection.query_all_raw(Statement::from_string(engine.backend(), sql)).await?;
    rows.iter()
        .map(|row| {
            Ok(SchemaObject {
                kind: row.try_get_by_index(0)?,
                name: row.try_get_by_index(1)?,
                table: row.try_get_by_index(2)?,
                sql: row.try_get_by_index(3)?,
            })
        })
        .collect()
}

impl PostponedSchema {
    /// Removes the indexes of a new SQLite database, and the triggers that index rows for search or check references.
    /// Foreign keys must be disabled, because they need some of the indexes.
    pub(super) async fn in_sqlite<C: ConnectionTrait>(connection: &C) -> Result<Self> {
        // The triggers that sum up usage still run, and need the unique index of their sums.
        let sql = "SELECT \"type\", \"name\", \"tbl_name\", \"sql\" FROM sqlite_master \
                   WHERE \"type\" IN ('index', 'trigger') AND \"sql\" IS NOT NULL \
                   AND \"tbl_name\" <> 'daily_cost_summaries' ORDER BY \"type\", \"name\"";
        let mut postponed = Self::default();
        for SchemaObject { kind, name, table, sql } in read(connection, Engine::Sqlite, sql).await?
        {
            if kind == "trigger" && name == format!("search_{table}_created") {
                let Some(documents) = documents_of_all_rows(&sql, &table) else { continue };
                postponed.documents.push(documents);
            } else if kind == "trigger" && !name.starts_with("organization_of_") {
                continue;
            }
            connection.execute_unprepared(&format!("DROP {kind} \"{name}\"")).await?;
            postponed.create.push(sql);
        }
        Ok(postponed)
    }

    /// Removes the indexes of a new Postgres database that belong to no constraint.
    pub(super) async fn in_postgres<C: ConnectionTrait>(connection: &C) -> Result<Self> {
        let sql = "SELECT 'index', c.relname::text, t.relname::text, pg_get_indexdef(c.oid) FROM pg_index i \
                   JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid \
                   WHERE c.relnamespace = current_schema()::regnamespace \
                   AND t.relname NOT IN ('daily_cost_summaries', 'seaql_migrations') \
                   AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) ORDER BY 2";
        let mut postponed = Self::default();
        for SchemaObject { name, sql, .. } in read(connection, Engine::Postgres, sql).await? {
            connection.execute_unprepared(&format!("DROP INDEX \"{name}\"")).await?;
            postponed.create.push(sql);
        }
        Ok(postponed)
    }

    /// Adds what was removed, after the rows were copied.
    pub(super) async fn create<C: ConnectionTrait>(self, connection: &C) -> Result<()> {
        for sql in self.documents.iter().chain(&self.create) {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// The statements that index all rows of a table for search, from the trigger that does so for a new row; `None` if the
/// trigger has another form.
fn documents_of_all_rows(trigger: &str, table: &str) -> Option<String> {
    let (_, body) = trigger.split_once(" BEGIN ")?;
    let body = body.trim_end().strip_suffix("END")?;
    let of_row = format!("(SELECT * FROM \"{table}\" WHERE \"id\" = NEW.\"id\")");
    let of_all = body.replace(&of_row, &format!("\"{table}\""));
    (!of_all.contains("NEW.")).then_some(of_all)
}

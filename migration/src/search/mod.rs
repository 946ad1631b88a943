//! Helpers for full-text search that all migrations share. Triggers update the search index in the transaction of
//! every write, regardless of the writer.
//!
//! - Postgres: `search_documents`, one row for each searchable row, with its words (`tsvector`, words of the title
//!   with weight A) and, if the row has names, these names for fuzzy matching (`pg_trgm`).
//! - SQLite: `search_documents`, a contentless FTS5 table whose `rowid` is sixteen times the primary key of the row
//!   plus the number of its entity; `search_names`, an FTS5 trigram table with the names.
//!
//! On both engines, words are case-insensitive and accent-insensitive, and are split at every character that is
//! neither a letter nor a digit.

mod letters;
mod phone;
mod postgres;
mod sqlite;

use letters::without_accents;
use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// Maximum number of indexed characters per text: a `tsvector` is limited to 1 MB, with positions up to 16,383.
const MAX_TEXT_LENGTH: u32 = 100_000;

/// A column with searchable words.
#[derive(Clone, Copy)]
pub(crate) enum Words {
    /// Text.
    Text(&'static str),
    /// JSON: its strings and its field names.
    Json(&'static str),
    /// A phone number: its text, its digits without leading zeros, and its last 7 to 11 digits, so that it is also found
    /// without its country code or area code.
    Phone(&'static str),
    /// A text of the parent row ([`Searched::parent`]).
    Parent(&'static Parent),
}

/// A parent row, one text of which is searched with the rows that reference it.
pub(crate) struct Parent {
    /// The foreign key column.
    pub(crate) via: &'static str,
    /// The table of the parent row.
    pub(crate) table: &'static str,
    /// The searched column of the parent row.
    pub(crate) column: &'static str,
}

/// A searchable table.
pub(crate) struct Searched {
    /// The table name.
    pub(crate) table: &'static str,
    /// The number of the entity: below 16, and never reused.
    pub(crate) number: i64,
    /// Name columns, which also support fuzzy matching.
    pub(crate) names: &'static [Words],
    /// Columns that rank highest in search results.
    pub(crate) title: &'static [Words],
    /// The other searchable columns.
    pub(crate) body: &'static [Words],
    /// Whether rows can be soft-deleted. Soft-deleted rows are excluded from search.
    pub(crate) deletable: bool,
    /// The foreign key column and the table of a parent row. The soft deletion of the parent row also excludes the
    /// rows of this table from search.
    pub(crate) hidden_with: Option<(&'static str, &'static str)>,
    /// A parent row with a searched text. A change of the text changes the documents of these rows.
    pub(crate) parent: Option<&'static Parent>,
}

impl Words {
    fn column(self) -> &'static str {
        match self {
            Self::Text(column) | Self::Json(column) | Self::Phone(column) => column,
            Self::Parent(parent) => parent.via,
        }
    }

    /// The SQL expression for the row with the alias `row`.
    fn sql(self, backend: DatabaseBackend, row: &str) -> String {
        let cast = if backend == DatabaseBackend::Postgres { "::text" } else { "" };
        match self {
            Self::Text(column) => format!("{row}.\"{column}\""),
            Self::Parent(Parent { via, table, column }) => format!(
                "(SELECT f.\"{column}\" FROM \"{table}\" f WHERE f.\"id\" = {row}.\"{via}\")"
            ),
            Self::Phone(column) => phone::words(backend, &format!("{row}.\"{column}\"")),
            // Characters that JSON escapes as two characters, the second of which may be a letter.
            Self::Json(column) => ["\\\\", "\\n", "\\r", "\\t", "\\b", "\\f"]
                .iter()
                .fold(format!("{row}.\"{column}\"{cast}"), |text, sign| {
                    format!("replace({text}, '{sign}', ' ')")
                }),
        }
    }
}

/// Separator between fields, so that no phrase spans two fields. No query contains the separator.
const GAP: &str = " x0gap0x ";

/// The SQL expression for the words of `columns` of the row with the alias `row`, separated by `between`.
fn words(backend: DatabaseBackend, row: &str, columns: &[Words], between: &str) -> String {
    let columns = columns.iter().map(|column| column.sql(backend, row));
    if backend == DatabaseBackend::Postgres {
        let all: Vec<_> =
            if columns.len() == 0 { vec!["''".to_owned()] } else { columns.collect() };
        return format!("search_words(concat_ws('{between}', {}))", all.join(", "));
    }
    let all: Vec<_> = columns.map(|column| format!("coalesce({column}, '')")).collect();
    let all =
        if all.is_empty() { "''".to_owned() } else { all.join(&format!(" || '{between}' || ")) };
    format!("substr({all}, 1, {MAX_TEXT_LENGTH})")
}

impl Searched {
    /// The searchable text and JSON columns, without duplicates.
    fn columns(&self) -> Vec<&'static str> {
        let mut columns: Vec<&str> = Vec::new();
        for words in self.names.iter().chain(self.title).chain(self.body) {
            if !columns.contains(&words.column()) {
                columns.push(words.column());
            }
        }
        columns
    }

    fn changed(&self, old: &str, new: &str, differs: &str) -> (String, String) {
        let mut columns = self.columns();
        if self.deletable {
            columns.push("deleted_at");
        }
        columns.extend(self.hidden_with.map(|(via, _)| via));
        let listed: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let differ: Vec<_> = listed
            .iter()
            .map(|column| format!("{old}.{column} {differs} {new}.{column}"))
            .collect();
        (listed.join(", "), differ.join(" OR "))
    }

    /// The condition under which the row with the alias `row` is searchable.
    fn alive(&self, row: &str) -> String {
        match self.hidden_with {
            _ if self.deletable => format!("{row}.\"deleted_at\" IS NULL"),
            Some((via, to)) => format!(
                "EXISTS (SELECT 1 FROM \"{to}\" h WHERE h.\"id\" = {row}.\"{via}\" \
                 AND h.\"deleted_at\" IS NULL)"
            ),
            None => "true".to_owned(),
        }
    }

    /// The search documents of rows, as a SELECT from `from` with the alias `x`.
    fn documents(&self, backend: DatabaseBackend, from: &str) -> String {
        let text = |columns: &[Words]| words(backend, "x", columns, GAP);
        let alive = self.alive("x");
        let number = self.number;
        if backend == DatabaseBackend::Postgres {
            let vector = |columns: &[Words]| format!("to_tsvector('simple', {})", text(columns));
            let names = if self.names.is_empty() {
                "NULL".to_owned()
            } else {
                words(backend, "x", self.names, " ")
            };
            return format!(
                "SELECT x.\"organization_id\", {number}, x.\"id\", {names}, \
                 setweight({}, 'A') || {} FROM {from} x WHERE {alive}",
                vector(self.title),
                vector(self.body)
            );
        }
        let source = format!(
            "(SELECT x.\"id\" * 16 + {number} AS k, 'o' || x.\"organization_id\" || 't{number}' AS s, \
             {} AS t, {} AS b FROM {from} x WHERE {alive})",
            text(self.title),
            text(self.body)
        );
        without_accents(&source, &["k", "s"], &["t", "b"])
    }
}

/// Condition that a row was soft-deleted or restored. Dependent rows that are hidden with the row have no names.
const HIDDEN: &str = "(OLD.\"deleted_at\" IS NULL) <> (NEW.\"deleted_at\" IS NULL)";

const INTO: &str = "INSERT INTO \"search_documents\"";

/// Makes the rows of these tables searchable, including existing rows.
pub(crate) async fn searched(
    manager: &SchemaManager<'_>,
    tables: &[Searched],
) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    for table in tables {
        let statements = if backend == DatabaseBackend::Postgres {
            postgres::statements(table)
        } else {
            sqlite::statements(table)
        };
        for statement in statements {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Replaces the triggers of these tables with those of [`searched`], and reindexes the rows that contain one of
/// `letters`. For SQLite only; Postgres folds texts in a function.
pub(crate) async fn replace_triggers(
    manager: &SchemaManager<'_>,
    tables: &[Searched],
    letters: &str,
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        return Ok(());
    }
    not_searched(manager, tables).await?;
    for table in tables {
        for statement in
            sqlite::indexed_again(table, letters).into_iter().chain(sqlite::triggers(table))
        {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Replaces the triggers of these tables with the current ones, which write the same documents. For SQLite only.
pub(crate) async fn renew_triggers(
    manager: &SchemaManager<'_>,
    tables: &[&Searched],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        return Ok(());
    }
    for table in tables {
        not_searched(manager, std::slice::from_ref(*table)).await?;
        for statement in sqlite::triggers(table) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Removes the rows of these tables from search.
pub(crate) async fn not_searched(
    manager: &SchemaManager<'_>,
    tables: &[Searched],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
    for Searched { table, hidden_with, parent, .. } in tables {
        let mut triggers: Vec<_> =
            ["created", "changed", "deleted"].map(|event| (event, *table)).to_vec();
        triggers.extend(hidden_with.map(|(_, to)| ("hidden", to)));
        triggers.extend(parent.map(|parent| ("renamed", parent.table)));
        for (event, on) in triggers {
            let name = format!("\"search_{table}_{event}\"");
            let drop = if postgres {
                format!("DROP TRIGGER {name} ON \"{on}\"; DROP FUNCTION {name}()")
            } else {
                format!("DROP TRIGGER {name}")
            };
            connection.execute_unprepared(&drop).await?;
        }
    }
    Ok(())
}

/// Replaces what is searched in a table: its triggers and all its documents.
pub(crate) async fn replace(
    manager: &SchemaManager<'_>,
    before: &Searched,
    after: &Searched,
) -> Result<(), DbErr> {
    not_searched(manager, std::slice::from_ref(before)).await?;
    let (table, number) = (before.table, before.number);
    let connection = manager.get_connection();
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        let delete = format!("DELETE FROM \"search_documents\" WHERE \"entity\" = {number}");
        connection.execute_unprepared(&delete).await?;
    } else {
        let mut indexes = vec!["search_documents"];
        indexes.extend((!before.names.is_empty()).then_some("search_names"));
        for index in indexes {
            let delete = format!(
                "DELETE FROM \"{index}\" WHERE rowid IN (SELECT \"id\" * 16 + {number} FROM \"{table}\")"
            );
            connection.execute_unprepared(&delete).await?;
        }
    }
    searched(manager, std::slice::from_ref(after)).await
}

/// Creates the tables that [`searched`] writes to.
pub(crate) async fn prepare(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        return postgres::prepare(connection).await;
    }
    connection.execute_unprepared(sqlite::TABLES).await?;
    Ok(())
}

/// Creates the indexes of these tables, after their first rows have been inserted.
pub(crate) async fn index(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements = if manager.get_database_backend() == DatabaseBackend::Postgres {
        "CREATE INDEX \"ix_search_documents_words\" ON \"search_documents\" \
         USING gin (\"organization_id\", \"words\"); \
         CREATE INDEX \"ix_search_documents_names\" ON \"search_documents\" \
         USING gin (\"organization_id\", \"names\" gin_trgm_ops) WHERE \"names\" IS NOT NULL"
    } else {
        "INSERT INTO \"search_documents\" (\"search_documents\") VALUES ('optimize'); \
         INSERT INTO \"search_names\" (\"search_names\") VALUES ('optimize')"
    };
    manager.get_connection().execute_unprepared(statements).await?;
    Ok(())
}

/// Drops the tables. The extensions remain, because others may use them.
pub(crate) async fn drop(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements = if manager.get_database_backend() == DatabaseBackend::Postgres {
        "DROP FUNCTION \"search_similar\"(bigint, text); \
         DROP FUNCTION \"search_similar_short\"(bigint, text); DROP TABLE \"search_documents\"; \
         DROP FUNCTION \"search_query\"(text); DROP FUNCTION \"search_words\"(text)"
    } else {
        "DROP TABLE \"search_names\"; DROP TABLE \"search_documents\""
    };
    manager.get_connection().execute_unprepared(statements).await?;
    Ok(())
}

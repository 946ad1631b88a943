//! Full-text search on SQLite: FTS5 tables, maintained by triggers.

use std::fmt::Write as _;

use sea_orm_migration::sea_orm::DatabaseBackend;

use super::{HIDDEN, INTO, Parent, Searched, without_accents, words};

/// Creates the tables.
pub(super) const TABLES: &str = "CREATE VIRTUAL TABLE \"search_documents\" USING fts5(\"scope\", \"title\", \
                      \"body\", content='', contentless_delete=1, \
                      tokenize='unicode61 remove_diacritics 2'); \
                      CREATE VIRTUAL TABLE \"search_names\" USING fts5(\"organization_id\" UNINDEXED, \
                      \"name\", detail=none, tokenize='trigram remove_diacritics 1')";

const INTO_NAMES: &str = "INSERT INTO \"search_names\" (rowid, \"organization_id\", \"name\")";

/// The statements that make the rows of a table searchable.
pub(super) fn statements(searched: &Searched) -> Vec<String> {
    let mut statements = indexed(searched, &format!("\"{}\"", searched.table));
    statements.extend(triggers(searched));
    statements
}

/// Indexes the rows of `from`.
fn indexed(searched: &Searched, from: &str) -> Vec<String> {
    let documents = searched.documents(DatabaseBackend::Sqlite, from);
    let mut statements =
        vec![format!("{INTO} (rowid, \"scope\", \"title\", \"body\") {documents}")];
    if !searched.names.is_empty() {
        statements.push(format!("{INTO_NAMES} {}", names(searched, from)));
    }
    statements
}

/// Reindexes the rows that contain one of `letters` in a searched column.
pub(super) fn indexed_again(searched: &Searched, letters: &str) -> Vec<String> {
    let (table, number) = (searched.table, searched.number);
    let with: Vec<_> = (searched.columns().iter())
        .map(|column| format!("\"{column}\" GLOB '*[{letters}]*'"))
        .collect();
    let from = format!("(SELECT * FROM \"{table}\" WHERE {})", with.join(" OR "));
    let mut statements = vec![format!(
        "DELETE FROM \"search_documents\" WHERE rowid IN (SELECT \"id\" * 16 + {number} FROM {from})"
    )];
    if !searched.names.is_empty() {
        statements.push(format!(
            "DELETE FROM \"search_names\" WHERE rowid IN (SELECT \"id\" * 16 + {number} FROM {from})"
        ));
    }
    statements.extend(indexed(searched, &from));
    statements
}

/// The triggers that keep the index of a table up to date.
pub(super) fn triggers(searched: &Searched) -> Vec<String> {
    let (table, number) = (searched.table, searched.number);
    let documents = |from: &str| searched.documents(DatabaseBackend::Sqlite, from);
    let (columns, changed) = searched.changed("OLD", "NEW", "IS NOT");
    let own = format!("(SELECT * FROM \"{table}\" WHERE \"id\" = NEW.\"id\")");
    let mut written =
        format!("{INTO} (rowid, \"scope\", \"title\", \"body\") {}; ", documents(&own));
    let mut gone =
        format!("DELETE FROM \"search_documents\" WHERE rowid = OLD.\"id\" * 16 + {number}; ");
    if !searched.names.is_empty() {
        let _ = write!(written, "{INTO_NAMES} {}; ", names(searched, &own));
        let _ =
            write!(gone, "DELETE FROM \"search_names\" WHERE rowid = OLD.\"id\" * 16 + {number}; ");
    }
    let mut statements = vec![
        format!(
            "CREATE TRIGGER \"search_{table}_created\" AFTER INSERT ON \"{table}\" \
             BEGIN {written}END"
        ),
        format!(
            "CREATE TRIGGER \"search_{table}_changed\" AFTER UPDATE OF {columns} ON \"{table}\" \
             WHEN {changed} BEGIN {gone}{written}END"
        ),
        format!(
            "CREATE TRIGGER \"search_{table}_deleted\" AFTER DELETE ON \"{table}\" \
             BEGIN {gone}END"
        ),
    ];
    if let Some(Parent { via, table: to, column }) = searched.parent {
        // The names are unchanged.
        let below = format!("(SELECT * FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\")");
        statements.push(format!(
            "CREATE TRIGGER \"search_{table}_renamed\" AFTER UPDATE OF \"{column}\" ON \"{to}\" \
             WHEN OLD.\"{column}\" IS NOT NEW.\"{column}\" \
             BEGIN DELETE FROM \"search_documents\" WHERE rowid IN (SELECT \"id\" * 16 + {number} \
             FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\"); \
             {INTO} (rowid, \"scope\", \"title\", \"body\") {}; END",
            documents(&below)
        ));
    }
    if let Some((via, to)) = searched.hidden_with {
        let below = format!("(SELECT * FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\")");
        statements.push(format!(
            "CREATE TRIGGER \"search_{table}_hidden\" AFTER UPDATE OF \"deleted_at\" ON \"{to}\" \
             WHEN {HIDDEN} BEGIN DELETE FROM \"search_documents\" WHERE rowid IN (SELECT \"id\" * 16 + {number} \
             FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\"); \
             {INTO} (rowid, \"scope\", \"title\", \"body\") {}; END",
            documents(&below)
        ));
    }
    statements
}

/// The names of rows, as a SELECT from `from` with the alias `x`; for SQLite.
fn names(searched: &Searched, from: &str) -> String {
    // Surrounds each word with spaces, so that its beginning and end form trigrams too.
    let source = format!(
        "(SELECT x.\"id\" * 16 + {} AS k, x.\"organization_id\" AS o, ' ' || {} || ' ' AS n \
         FROM {from} x WHERE {})",
        searched.number,
        words(DatabaseBackend::Sqlite, "x", searched.names, " "),
        searched.alive("x")
    );
    without_accents(&source, &["k", "o"], &["n"])
}

//! Full-text search on Postgres: words and names in a table, maintained by triggers.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DatabaseBackend, Statement},
};

use super::{HIDDEN, INTO, MAX_TEXT_LENGTH, Parent, Searched};
use crate::NEEDS;

/// Pins the search path, so that the trigger function finds the functions and tables of this schema even if a session
/// sets another path.
const TRIGGER: &str = "RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT";

/// The statements that make the rows of a table searchable.
pub(super) fn statements(searched: &Searched) -> Vec<String> {
    let (table, number) = (searched.table, searched.number);
    let documents = |from: &str| searched.documents(DatabaseBackend::Postgres, from);
    let (columns, changed) = searched.changed("OLD", "NEW", "IS DISTINCT FROM");
    // Share locks serialize this write with the deletion of the parent row that hides these rows.
    let share = |rows: &str| {
        searched.hidden_with.map_or_else(String::new, |(via, to)| {
            let rows = rows.replace("{}", &format!("\"{via}\""));
            format!("PERFORM 1 FROM \"{to}\" WHERE \"id\" IN ({rows}) FOR SHARE; ")
        })
    };
    let mut statements = vec![
        format!("{INTO} {}", documents(&format!("\"{table}\""))),
        format!(
            "CREATE FUNCTION \"search_{table}_created\"() {TRIGGER} AS $$ BEGIN {}{INTO} {}; \
             RETURN NULL; END $$",
            share("SELECT {} FROM created"),
            documents("created")
        ),
        format!(
            "CREATE FUNCTION \"search_{table}_changed\"() {TRIGGER} AS $$ BEGIN {}\
             DELETE FROM \"search_documents\" WHERE \"entity\" = {number} \
             AND \"record_id\" = NEW.\"id\"; {INTO} {}; RETURN NULL; END $$",
            share("NEW.{}"),
            documents("(SELECT NEW.*)")
        ),
        format!(
            "CREATE FUNCTION \"search_{table}_deleted\"() {TRIGGER} AS $$ \
             BEGIN DELETE FROM \"search_documents\" WHERE \"entity\" = {number} \
             AND \"record_id\" = OLD.\"id\"; RETURN NULL; END $$"
        ),
        // A statement-level trigger, because many rows may be inserted at once.
        format!(
            "CREATE TRIGGER \"search_{table}_created\" AFTER INSERT ON \"{table}\" \
             REFERENCING NEW TABLE AS created FOR EACH STATEMENT \
             EXECUTE FUNCTION \"search_{table}_created\"()"
        ),
        format!(
            "CREATE TRIGGER \"search_{table}_changed\" AFTER UPDATE OF {columns} ON \"{table}\" \
             FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION \"search_{table}_changed\"()"
        ),
        format!(
            "CREATE TRIGGER \"search_{table}_deleted\" AFTER DELETE ON \"{table}\" \
             FOR EACH ROW EXECUTE FUNCTION \"search_{table}_deleted\"()"
        ),
    ];
    if let Some(Parent { via, table: to, column }) = searched.parent {
        // Rows that another transaction is writing are skipped: waiting for them could deadlock, because their writer may
        // wait for the parent row. They keep the old text.
        statements.push(format!(
            "CREATE FUNCTION \"search_{table}_renamed\"() {TRIGGER} AS $$ \
             DECLARE own bigint[] := ARRAY(SELECT \"id\" FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\" \
             FOR SHARE SKIP LOCKED); BEGIN \
             DELETE FROM \"search_documents\" WHERE \"entity\" = {number} AND \"record_id\" = ANY(own); \
             {INTO} {}; RETURN NULL; END $$",
            documents(&format!("(SELECT * FROM \"{table}\" WHERE \"id\" = ANY(own))"))
        ));
        statements.push(format!(
            "CREATE TRIGGER \"search_{table}_renamed\" AFTER UPDATE OF \"{column}\" ON \"{to}\" \
             FOR EACH ROW WHEN (OLD.\"{column}\" IS DISTINCT FROM NEW.\"{column}\") \
             EXECUTE FUNCTION \"search_{table}_renamed\"()"
        ));
    }
    if let Some((via, to)) = searched.hidden_with {
        statements.push(format!(
            "CREATE FUNCTION \"search_{table}_hidden\"() {TRIGGER} AS $$ \
             BEGIN DELETE FROM \"search_documents\" WHERE \"entity\" = {number} AND \"record_id\" IN \
             (SELECT \"id\" FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\"); {INTO} {}; RETURN NULL; END $$",
            documents(&format!("(SELECT * FROM \"{table}\" WHERE \"{via}\" = NEW.\"id\")"))
        ));
        statements.push(format!(
            "CREATE TRIGGER \"search_{table}_hidden\" AFTER UPDATE OF \"deleted_at\" ON \"{to}\" \
             FOR EACH ROW WHEN ({HIDDEN}) EXECUTE FUNCTION \"search_{table}_hidden\"()"
        ));
    }
    statements
}

/// Creates the table, extensions and functions that triggers and searches use.
pub(super) async fn prepare(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    for extension in ["unaccent", "pg_trgm", "btree_gin"] {
        let create = format!("CREATE EXTENSION IF NOT EXISTS \"{extension}\"");
        connection.execute_unprepared(&create).await.map_err(|error| {
            DbErr::Custom(format!(
                "{NEEDS}the Postgres extension {extension} (contrib); the owner of the database can \
                 create it: {error}"
            ))
        })?;
    }
    // Without superuser rights, a parameter of an extension can be set for a function only after the extension's
    // library is loaded. If another role created the extension, the library is loaded on first use, i.e. by this
    // statement.
    connection.execute_unprepared("SELECT similarity('a', 'a')").await?;
    // Characters that the Postgres parser, unlike FTS5, treats as parts of addresses, numbers and tags.
    let marks = [".", "@", "/", "-", "_", ":", "<", "&", "+", "~", "''", "%", ","];
    let text = format!("unaccent(left($1, {MAX_TEXT_LENGTH}))");
    let plain = marks.iter().fold(text, |text, mark| format!("replace({text}, '{mark}', ' ')"));
    // If the database sorts by bytes, its default `lower` handles English letters only.
    let known = "SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'";
    let known = Statement::from_string(DatabaseBackend::Postgres, known);
    let unicode = connection.query_one_raw(known).await?.is_some();
    let collation = if unicode { " COLLATE \"und-x-icu\"" } else { "" };
    let statements = [
        format!(
            "CREATE FUNCTION \"search_words\"(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE \
             AS $$ SELECT replace(lower({plain}{collation}), 'ς', 'σ') $$"
        ),
        // The query operators are characters that no word contains, so that normalized words can't be mistaken for
        // operators.
        "CREATE FUNCTION \"search_query\"(text) RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE AS $$ \
         SELECT to_tsquery('simple', translate(search_words($1), \
         E'\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x0e\\x0f\\x10', ''':&|!()*<->')) $$"
            .to_owned(),
        "CREATE TABLE \"search_documents\" (\"organization_id\" bigint NOT NULL, \
         \"entity\" smallint NOT NULL, \"record_id\" bigint NOT NULL, \"names\" text, \
         \"words\" tsvector NOT NULL, PRIMARY KEY (\"entity\", \"record_id\"))"
            .to_owned(),
        similar("search_similar", "0.3"),
        // In a short word, one wrong letter affects a larger share of the trigrams.
        similar("search_similar_short", "0.2"),
    ];
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// A function that returns words similar to `$2` in the names of the organization `$1`, most similar first.
fn similar(name: &str, part: &str) -> String {
    format!(
        "CREATE FUNCTION \"{name}\"(bigint, text) RETURNS SETOF text LANGUAGE sql STABLE \
         SET search_path FROM CURRENT SET pg_trgm.word_similarity_threshold = {part} AS $$ \
         SELECT w FROM (SELECT DISTINCT w FROM \"search_documents\", \
         regexp_split_to_table(\"names\", ' +') w WHERE \"organization_id\" = $1 AND $2 <% \"names\") x \
         WHERE similarity(w, $2) >= {part} ORDER BY similarity(w, $2) DESC, w LIMIT 50 $$"
    )
}

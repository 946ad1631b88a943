//! The tables that backups contain, and the order in which their rows can be inserted.

use std::sync::LazyLock;

use engine::{
    error::Result,
    store::Engine,
    table::{Column, columns_of},
};
use entity::EntityVisitor;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};

/// Tables that triggers fill from the rows of other tables.
const MAINTAINED_BY_TRIGGERS: [&str; 1] = ["daily_cost_summaries"];

/// A table whose rows a backup contains.
pub(crate) struct StoredTable {
    pub(crate) name: &'static str,
    pub(super) columns: Vec<Column>,
}

/// All tables whose rows a backup contains, sorted by name.
pub(crate) fn tables() -> &'static [StoredTable] {
    static TABLES: LazyLock<Vec<StoredTable>> = LazyLock::new(|| {
        let mut tables = StoredTables(Vec::new());
        entity::visit_entities(&mut tables);
        tables.0
    });
    &TABLES
}

struct StoredTables(Vec<StoredTable>);

impl EntityVisitor for StoredTables {
    fn visit<E: EntityTrait>(&mut self) {
        let name = E::default().table_name();
        if !MAINTAINED_BY_TRIGGERS.contains(&name) {
            // The tables are listed once, so this text is not leaked repeatedly.
            let name = String::leak(name.to_owned());
            self.0.push(StoredTable { name, columns: columns_of::<E>() });
        }
    }
}

/// The names of all tables whose rows a backup contains.
#[must_use]
pub fn table_names() -> Vec<&'static str> {
    tables().iter().map(|table| table.name).collect()
}

/// A foreign key of a Postgres database.
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) table: String,
    references: String,
    /// The SQL that declares it.
    pub(super) definition: String,
}

/// The order in which the rows of all tables can be inserted into a Postgres database, referenced tables first, and the
/// foreign keys that this order violates, because they refer to the same table or form a cycle.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub(super) async fn insertion_order<C: ConnectionTrait>(
    connection: &C,
) -> Result<(Vec<&'static StoredTable>, Vec<ForeignKey>)> {
    let sql = "SELECT c.conname::text, t.relname::text, r.relname::text, pg_get_constraintdef(c.oid) FROM pg_constraint c \
               JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid \
               WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace ORDER BY 2, 1";
    let mut keys = Vec::new();
    let statement = Statement::from_string(Engine::Postgres.backend(), sql);
    for row in connection.query_all_raw(statement).await? {
        keys.push(ForeignKey {
            name: row.try_get_by_index(0)?,
            table: row.try_get_by_index(1)?,
            references: row.try_get_by_index(2)?,
            definition: row.try_get_by_index(3)?,
        });
    }
    let mut remaining: Vec<&StoredTable> = tables().iter().collect();
    let mut ordered: Vec<&StoredTable> = Vec::new();
    let mut violated = Vec::new();
    while !remaining.is_empty() {
        let missing = |table: &StoredTable| {
            let others = remaining.iter().filter(|other| other.name != table.name);
            let references = |other: &str| {
                keys.iter().any(|key| key.table == table.name && key.references == other)
            };
            others.filter(|other| references(other.name)).count()
        };
        // A table of a cycle has references that are missing; the one that most tables refer to comes first.
        let referring = |table: &StoredTable| {
            std::cmp::Reverse(keys.iter().filter(|key| key.references == table.name).count())
        };
        let next = remaining
            .iter()
            .enumerate()
            .min_by_key(|(_, table)| (missing(table), referring(table)));
        let table = remaining.remove(next.map_or(0, |(place, _)| place));
        let is_later = |key: &ForeignKey| {
            key.table == table.name
                && (key.references == table.name
                    || remaining.iter().any(|other| other.name == key.references))
        };
        violated.extend(keys.extract_if(.., |key| is_later(key)));
        ordered.push(table);
    }
    Ok((ordered, violated))
}

/// The tables whose primary key has a sequence, in a Postgres database.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub(super) async fn tables_with_sequence<C: ConnectionTrait>(
    connection: &C,
) -> Result<Vec<String>> {
    let sql = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema() \
               AND column_name = 'id' AND (column_default LIKE 'nextval(%' OR is_identity = 'YES')";
    let statement = Statement::from_string(Engine::Postgres.backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

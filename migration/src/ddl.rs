//! Helpers that all migrations share: primary keys, timestamps and indexes for both engines.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// A table with the columns that every table of an organization has, in their standard positions.
pub(crate) fn owned_table(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(name)
        .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
        .col(big("organization_id"))
        .foreign_key(&mut reference(
            name,
            "organization_id",
            "organizations",
            ForeignKeyAction::Cascade,
        ));
    table
}

/// Completes a table with the timestamps of creation and of the last update. The server sets both timestamps; the
/// columns have no default values.
pub(crate) fn stamped(table: &mut TableCreateStatement) -> TableCreateStatement {
    table.col(stamp("created_at")).col(stamp("updated_at")).to_owned()
}

/// `NOT NULL BIGINT`.
pub(crate) fn big(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().to_owned()
}

/// `NOT NULL VARCHAR(255)`, the most common text type in the source documents.
pub(crate) fn varchar(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(255).not_null().to_owned()
}

/// `NOT NULL TEXT`.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().to_owned()
}

/// Nullable JSON.
pub(crate) fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().to_owned()
}

/// Timestamp with time zone.
pub(crate) fn stamp(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().not_null().to_owned()
}

/// Nullable timestamp.
pub(crate) fn stamp_or_absent(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().to_owned()
}

/// Revision of an editable row for optimistic locking: counts its writes, starting at 1.
pub(crate) fn revision() -> ColumnDef {
    ColumnDef::new("revision").integer().not_null().default(1).to_owned()
}

/// Foreign key, declared inline because SQLite can't add one later.
pub(crate) fn reference(
    from: &'static str,
    column: &'static str,
    to: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{from}_{column}"))
        .from(from, column)
        .to(to, "id")
        .on_delete(on_delete)
        .to_owned()
}

/// A column of an index, by its use in statements.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// Sorted as stored.
    Plain(&'static str),
    /// Text: sorted and compared as lower-case ASCII, identically on both engines.
    Folded(&'static str),
    /// Nullable timestamp; null sorts before every timestamp.
    AbsentFirst(&'static str),
    /// Nullable timestamp; null sorts after every timestamp.
    AbsentLast(&'static str),
    /// Nullable number; null sorts below every number.
    AbsentLow(&'static str),
    /// Nullable number; null sorts above every number.
    AbsentHigh(&'static str),
}

impl Key {
    fn sql(self, backend: DatabaseBackend) -> String {
        let postgres = backend == DatabaseBackend::Postgres;
        match (self, postgres) {
            (Self::Plain(c), _) => format!("\"{c}\""),
            (Self::Folded(c), true) => format!("lower(\"{c}\" COLLATE \"C\")"),
            (Self::Folded(c), false) => format!("\"{c}\" COLLATE NOCASE"),
            (Self::AbsentFirst(c), true) => format!("COALESCE(\"{c}\", '-infinity'::timestamptz)"),
            (Self::AbsentFirst(c), false) => format!("COALESCE(\"{c}\", '')"),
            (Self::AbsentLast(c), true) => format!("COALESCE(\"{c}\", 'infinity'::timestamptz)"),
            (Self::AbsentLast(c), false) => format!("COALESCE(\"{c}\", '~')"),
            (Self::AbsentLow(c), true) => format!("COALESCE(\"{c}\", '-infinity'::float8)"),
            (Self::AbsentLow(c), false) => format!("COALESCE(\"{c}\", -9e999)"),
            (Self::AbsentHigh(c), true) => format!("COALESCE(\"{c}\", 'infinity'::float8)"),
            (Self::AbsentHigh(c), false) => format!("COALESCE(\"{c}\", 9e999)"),
        }
    }
}

/// Creates an index over expressions, which the statement builder does not support.
pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    name: &str,
    table: &str,
    keys: &[Key],
) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let keys = keys.iter().map(|key| key.sql(backend)).collect::<Vec<_>>().join(", ");
    let sql = format!("CREATE INDEX \"{name}\" ON \"{table}\" ({keys})");
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

/// The indexes that the lists of an organization use: by ID, by creation time, by update time.
pub(crate) async fn list_indexes(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    list_indexes_without_updates(manager, table).await?;
    sort_index(manager, table, "updated_at", Key::Plain("updated_at")).await
}

/// Like [`list_indexes`], for rows that are never updated.
pub(crate) async fn list_indexes_without_updates(
    manager: &SchemaManager<'_>,
    table: &str,
) -> Result<(), DbErr> {
    let keys = [Key::Plain("organization_id"), Key::Plain("id")];
    index(manager, &format!("ix_{table}_id"), table, &keys).await?;
    sort_index(manager, table, "created_at", Key::Plain("created_at")).await
}

/// The index for lists sorted by `key`.
pub(crate) async fn sort_index(
    manager: &SchemaManager<'_>,
    table: &str,
    name: &str,
    key: Key,
) -> Result<(), DbErr> {
    let keys = [Key::Plain("organization_id"), key, Key::Plain("id")];
    index(manager, &format!("ix_{table}_{name}"), table, &keys).await
}

/// The indexes for pages of child rows: by ID, and by each of `keys`.
pub(crate) async fn child_indexes(
    manager: &SchemaManager<'_>,
    table: &str,
    parent: &'static str,
    keys: &[(&str, Key)],
) -> Result<(), DbErr> {
    let (parent_key, id) = (Key::Plain(parent), Key::Plain("id"));
    index(manager, &format!("ix_{table}_{parent}"), table, &[parent_key, id]).await?;
    for (name, key) in keys {
        let name = format!("ix_{table}_{parent}_{name}");
        index(manager, &name, table, &[parent_key, *key, id]).await?;
    }
    Ok(())
}

/// Adds columns to a table. SQLite accepts one column per statement.
pub(crate) async fn add_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    for column in columns {
        manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
    }
    Ok(())
}

/// Adds a nullable foreign key column that is set to null when the referenced row is deleted. The statement builder
/// can't add a foreign key to a SQLite table.
pub(crate) async fn add_reference(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    to: &str,
) -> Result<(), DbErr> {
    let ty = match manager.get_database_backend() {
        DatabaseBackend::Postgres => "bigint",
        _ => "integer",
    };
    let sql = format!(
        "ALTER TABLE \"{table}\" ADD COLUMN \"{column}\" {ty} \
         CONSTRAINT \"fk_{table}_{column}\" REFERENCES \"{to}\" (\"id\") ON DELETE SET NULL"
    );
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

/// Drops columns.
pub(crate) async fn drop_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    for column in columns {
        manager.alter_table(Table::alter().table(table).drop_column(*column).to_owned()).await?;
    }
    Ok(())
}

/// Drops indexes.
pub(crate) async fn drop_indexes(manager: &SchemaManager<'_>, names: &[&str]) -> Result<(), DbErr> {
    for name in names {
        let sql = format!("DROP INDEX \"{name}\"");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Drops tables, child tables first.
pub(crate) async fn drop_tables(
    manager: &SchemaManager<'_>,
    tables: &[&'static str],
) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}

/// A unique index over these columns, named after the last column.
pub(crate) async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let quoted: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let last = columns.last().copied().unwrap_or_default();
    let sql =
        format!("CREATE UNIQUE INDEX \"ux_{table}_{last}\" ON \"{table}\" ({})", quoted.join(", "));
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

//! Unique e-mail addresses of prospects, domains of companies and names of industries.
//!
//! Rows that had the same value before this migration remain: all but the oldest are marked with `duplicate_of`. The
//! indexes ignore marked and deleted rows. Rows whose comparison columns are not computed yet are marked by the server
//! when it computes them.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::ddl::{drop_columns, drop_indexes};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables, each with its unique column and the condition for rows that are not deleted.
const UNIQUE: [(&str, &str, &str); 3] = [
    ("industries", "name_key", ""),
    ("companies", "domain", " AND \"deleted_at\" IS NULL"),
    ("prospects", "email_key", " AND \"deleted_at\" IS NULL"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ty = match manager.get_database_backend() {
            DatabaseBackend::Postgres => "bigint",
            _ => "integer",
        };
        let connection = manager.get_connection();
        for (table, column, alive) in UNIQUE {
            let live = alive.replace("\"deleted_at\"", "r.\"deleted_at\"");
            for sql in [
                // No action on delete: the oldest marked row takes the place of a row before the row is deleted.
                format!(
                    "ALTER TABLE \"{table}\" ADD COLUMN \"duplicate_of\" {ty} \
                     CONSTRAINT \"fk_{table}_duplicate_of\" REFERENCES \"{table}\" (\"id\")"
                ),
                format!(
                    "UPDATE \"{table}\" AS r SET \"duplicate_of\" = d.\"oldest\" FROM \
                     (SELECT \"organization_id\", \"{column}\", min(\"id\") AS \"oldest\" FROM \"{table}\" \
                     WHERE \"{column}\" IS NOT NULL{alive} GROUP BY 1, 2 HAVING count(*) > 1) d \
                     WHERE r.\"organization_id\" = d.\"organization_id\" AND r.\"{column}\" = d.\"{column}\" \
                     AND r.\"id\" > d.\"oldest\"{live}"
                ),
                format!(
                    "CREATE UNIQUE INDEX \"ux_{table}_{column}\" ON \"{table}\" (\"organization_id\", \"{column}\") \
                     WHERE \"duplicate_of\" IS NULL{alive}"
                ),
                format!(
                    "CREATE INDEX \"ix_{table}_duplicate_of\" ON \"{table}\" (\"duplicate_of\", \"id\") \
                     WHERE \"duplicate_of\" IS NOT NULL"
                ),
            ] {
                connection.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, _) in UNIQUE {
            let names = [format!("ux_{table}_{column}"), format!("ix_{table}_duplicate_of")];
            drop_indexes(manager, &[&names[0], &names[1]]).await?;
            drop_columns(manager, table, &["duplicate_of"]).await?;
        }
        Ok(())
    }
}

//! Imported primary keys of a source, as ranges. The ranges distinguish rows that were added to the source later from
//! rows that were deleted in this database.

use sea_orm_migration::prelude::*;

use crate::ddl::{big, drop_tables, reference, varchar};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keys = Table::create()
            .table("source_import_keys")
            .col(big("source_import_id"))
            .col(varchar("table_name"))
            .col(big("first_key"))
            .col(big("last_key"))
            .primary_key(Index::create().col("source_import_id").col("table_name").col("first_key"))
            .foreign_key(&mut reference(
                "source_import_keys",
                "source_import_id",
                "source_imports",
                ForeignKeyAction::Cascade,
            ))
            .to_owned();
        manager.create_table(keys).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["source_import_keys"]).await
    }
}

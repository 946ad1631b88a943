//! Organizations (tenants). The server creates the one named `default`.

use sea_orm_migration::prelude::*;

use crate::ddl::{drop_tables, stamped, varchar};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = stamped(
            Table::create()
                .table("organizations")
                .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
                .col(varchar("name"))
                .col(ColumnDef::new("slug").string_len(100).not_null().unique_key()),
        );
        manager.create_table(table).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["organizations"]).await
    }
}

//! Data migrations from other databases: progress per table, and the schema version of the source.

use sea_orm_migration::prelude::*;

use crate::ddl::{big, drop_tables, owned_table, reference, stamp, stamped, varchar};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `alembic_version` of the sales-assistant document, one row per organization.
        let cascade = ForeignKeyAction::Cascade;
        let version = Table::create()
            .table("alembic_version")
            .col(big("organization_id"))
            .col(ColumnDef::new("version_num").string_len(32).not_null())
            .primary_key(Index::create().col("organization_id").col("version_num"))
            .foreign_key(&mut reference(
                "alembic_version",
                "organization_id",
                "organizations",
                cascade,
            ))
            .to_owned();
        manager.create_table(version).await?;

        let imports = stamped(
            owned_table("source_imports")
                .col(ColumnDef::new("system").string_len(50).not_null())
                .col(ColumnDef::new("source").string_len(1000).not_null())
                .col(ColumnDef::new("finished_at").timestamp_with_time_zone()),
        );
        manager.create_table(imports).await?;
        let one_of_a_kind = Index::create()
            .name("ux_source_imports_source")
            .table("source_imports")
            .col("organization_id")
            .col("system")
            .col("source")
            .unique()
            .to_owned();
        manager.create_index(one_of_a_kind).await?;

        let progress = Table::create()
            .table("source_import_tables")
            .col(big("source_import_id"))
            .col(varchar("table_name"))
            .col(big("last_key"))
            .col(big("rows_written"))
            .col(stamp("updated_at"))
            .primary_key(Index::create().col("source_import_id").col("table_name"))
            .foreign_key(&mut reference(
                "source_import_tables",
                "source_import_id",
                "source_imports",
                cascade,
            ))
            .to_owned();
        manager.create_table(progress).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["source_import_tables", "source_imports", "alembic_version"]).await
    }
}

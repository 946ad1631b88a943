//! Message templates and their performance.

use sea_orm_migration::prelude::*;

use crate::{
    column::{number, part, pointer, short, word},
    ddl::{
        Key::Folded, add_reference, big, child_indexes, drop_columns, drop_indexes, drop_tables,
        json, list_indexes, owned_table, reference, revision, sort_index, stamped, text, unique,
        varchar,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        templates(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &["ix_outreach_drafts_message_template_id"]).await?;
        drop_columns(manager, "outreach_drafts", &["message_template_id"]).await?;
        drop_tables(manager, &["template_performance", "message_templates"]).await
    }
}

async fn templates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = stamped(
        owned_table("message_templates")
            .col(varchar("name"))
            .col(word("template_type"))
            .col(text("template_text"))
            .col(json("variables"))
            .col(short("locale", 10))
            .col(number("usage_count"))
            .col(part("success_rate"))
            .col(ColumnDef::new("version").integer().not_null().default(1))
            .col(ColumnDef::new("is_active").boolean().not_null())
            .col(revision()),
    );
    manager.create_table(table).await?;
    list_indexes(manager, "message_templates").await?;
    sort_index(manager, "message_templates", "name", Folded("name")).await?;
    let only = ["organization_id", "name", "template_type", "version"];
    unique(manager, "message_templates", &only).await?;

    let cascade = ForeignKeyAction::Cascade;
    let name = "template_performance";
    let table = stamped(
        owned_table(name)
            .col(big("message_template_id"))
            .col(pointer("import_job_id"))
            .col(part("open_rate"))
            .col(part("response_rate"))
            .col(part("conversion_rate"))
            .col(revision())
            .foreign_key(&mut reference(name, "message_template_id", "message_templates", cascade))
            .foreign_key(&mut reference(name, "import_job_id", "import_jobs", cascade)),
    );
    manager.create_table(table).await?;
    list_indexes(manager, name).await?;
    child_indexes(manager, name, "message_template_id", &[]).await?;
    child_indexes(manager, name, "import_job_id", &[]).await?;
    add_reference(manager, "outreach_drafts", "message_template_id", "message_templates").await?;
    child_indexes(manager, "outreach_drafts", "message_template_id", &[]).await
}

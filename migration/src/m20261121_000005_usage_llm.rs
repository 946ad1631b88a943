//! Usage log of language model calls.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::Plain, drop_tables, list_indexes, owned_table, sort_index, stamped, varchar,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let count = |name: &'static str| ColumnDef::new(name).integer().not_null().to_owned();
        let logs = stamped(
            owned_table("llm_usage_logs")
                .col(varchar("workflow_name"))
                .col(varchar("node_name"))
                .col(varchar("model"))
                .col(count("prompt_tokens"))
                .col(count("completion_tokens"))
                .col(count("total_tokens"))
                .col(count("latency_ms"))
                .col(ColumnDef::new("cost").double().not_null()),
        );
        manager.create_table(logs).await?;
        list_indexes(manager, "llm_usage_logs").await?;
        for key in ["total_tokens", "latency_ms", "cost"] {
            sort_index(manager, "llm_usage_logs", key, Plain(key)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["llm_usage_logs"]).await
    }
}

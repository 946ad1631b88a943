//! Join tables: the language model calls that produced a draft or research.

use sea_orm_migration::prelude::*;

use crate::ddl::{Key::Plain, big, drop_tables, index, reference, stamped};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, column, referenced table.
const PAIRS: [(&str, &str, &str); 2] = [
    ("outreach_draft_usages", "outreach_draft_id", "outreach_drafts"),
    ("prospect_research_usages", "prospect_research_id", "prospect_research"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let cascade = ForeignKeyAction::Cascade;
        for (name, near, to) in PAIRS {
            let table = stamped(
                Table::create()
                    .table(name)
                    .col(big(near))
                    .col(big("llm_usage_log_id"))
                    .primary_key(Index::create().col(near).col("llm_usage_log_id"))
                    .foreign_key(&mut reference(name, near, to, cascade))
                    .foreign_key(&mut reference(
                        name,
                        "llm_usage_log_id",
                        "llm_usage_logs",
                        cascade,
                    )),
            );
            manager.create_table(table).await?;
            let back = [Plain("llm_usage_log_id"), Plain(near)];
            index(manager, &format!("ix_{name}_llm_usage_log_id"), name, &back).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["prospect_research_usages", "outreach_draft_usages"]).await
    }
}

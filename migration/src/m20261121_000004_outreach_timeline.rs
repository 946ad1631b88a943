//! Interactions with prospects and outreach drafts.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::Plain, big, child_indexes, drop_tables, list_indexes, owned_table, reference, revision,
    sort_index, stamp, stamped, text, varchar,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keep = ForeignKeyAction::NoAction;
        let forget = ForeignKeyAction::SetNull;
        let interactions = stamped(
            owned_table("interactions")
                .col(big("prospect_id"))
                .col(ColumnDef::new("event_id").big_integer())
                .col(varchar("interaction_type"))
                .col(stamp("interaction_date"))
                .col(varchar("subject"))
                .col(text("content"))
                .col(ColumnDef::new("sentiment").string_len(255))
                .col(ColumnDef::new("outcome").text())
                .col(revision())
                .foreign_key(&mut reference("interactions", "prospect_id", "prospects", keep))
                .foreign_key(&mut reference("interactions", "event_id", "events", forget)),
        );
        manager.create_table(interactions).await?;
        list_indexes(manager, "interactions").await?;
        let date = Plain("interaction_date");
        sort_index(manager, "interactions", "interaction_date", date).await?;
        for parent in ["prospect_id", "event_id"] {
            child_indexes(manager, "interactions", parent, &[("date", date)]).await?;
        }

        let drafts = stamped(
            owned_table("outreach_drafts")
                .col(big("prospect_id"))
                .col(ColumnDef::new("event_id").big_integer())
                .col(varchar("draft_type"))
                .col(text("content"))
                .col(varchar("status"))
                .col(revision())
                .foreign_key(&mut reference("outreach_drafts", "prospect_id", "prospects", keep))
                .foreign_key(&mut reference("outreach_drafts", "event_id", "events", forget)),
        );
        manager.create_table(drafts).await?;
        list_indexes(manager, "outreach_drafts").await?;
        let created = [("created_at", Plain("created_at"))];
        for parent in ["prospect_id", "event_id"] {
            child_indexes(manager, "outreach_drafts", parent, &created).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["outreach_drafts", "interactions"]).await
    }
}

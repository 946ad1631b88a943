//! Draft state machine: versions, approval, sending. Also the direction of interactions and the lifecycle stage of
//! prospects.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::{AbsentLast, Plain},
    add_columns, add_reference, child_indexes, drop_columns, drop_indexes, index, stamp_or_absent,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let words = |name: &'static str, length: u32, usual: &'static str| {
            ColumnDef::new(name).string_len(length).not_null().default(usual).to_owned()
        };
        let short =
            |name: &'static str, length: u32| ColumnDef::new(name).string_len(length).to_owned();
        let long = |name: &'static str| ColumnDef::new(name).text().to_owned();

        let prospects = vec![
            words("lifecycle_stage", 20, "new"),
            stamp_or_absent("last_engagement_date"),
            stamp_or_absent("unsubscribed_at"),
        ];
        add_columns(manager, "prospects", prospects).await?;
        add_reference(manager, "prospects", "merged_into_id", "prospects").await?;
        child_indexes(manager, "prospects", "merged_into_id", &[]).await?;
        let stage = [Plain("organization_id"), Plain("lifecycle_stage"), Plain("id")];
        index(manager, "ix_prospects_lifecycle_stage", "prospects", &stage).await?;

        let drafts = vec![
            long("subject"),
            words("channel", 20, "email"),
            words("content_type", 10, "text"),
            ColumnDef::new("version").integer().not_null().default(1).to_owned(),
            short("variant", 50),
            short("tone", 20),
            short("model", 50),
            short("author_kind", 20),
            short("author_name", 255),
            stamp_or_absent("submitted_at"),
            stamp_or_absent("approved_at"),
            short("approver_kind", 20),
            short("approver_name", 255),
            long("review_note"),
            stamp_or_absent("scheduled_for"),
            stamp_or_absent("sent_at"),
            short("provider_message_id", 255),
            long("error"),
            ColumnDef::new("metadata").json_binary().to_owned(),
        ];
        add_columns(manager, "outreach_drafts", drafts).await?;
        add_reference(manager, "outreach_drafts", "parent_draft_id", "outreach_drafts").await?;
        child_indexes(manager, "outreach_drafts", "parent_draft_id", &[]).await?;
        let due =
            [Plain("organization_id"), Plain("status"), AbsentLast("scheduled_for"), Plain("id")];
        index(manager, "ix_outreach_drafts_due", "outreach_drafts", &due).await?;

        let interactions = vec![
            short("direction", 10),
            short("channel", 20),
            ColumnDef::new("metadata").json_binary().to_owned(),
        ];
        add_columns(manager, "interactions", interactions).await?;
        add_reference(manager, "interactions", "outreach_draft_id", "outreach_drafts").await?;
        child_indexes(manager, "interactions", "outreach_draft_id", &[]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "ix_interactions_outreach_draft_id",
            "ix_outreach_drafts_due",
            "ix_outreach_drafts_parent_draft_id",
            "ix_prospects_lifecycle_stage",
            "ix_prospects_merged_into_id",
        ];
        drop_indexes(manager, &indexes).await?;
        let interactions = ["outreach_draft_id", "metadata", "channel", "direction"];
        drop_columns(manager, "interactions", &interactions).await?;
        let drafts = [
            "parent_draft_id",
            "metadata",
            "error",
            "provider_message_id",
            "sent_at",
            "scheduled_for",
            "review_note",
            "approver_name",
            "approver_kind",
            "approved_at",
            "submitted_at",
            "author_name",
            "author_kind",
            "model",
            "tone",
            "variant",
            "version",
            "content_type",
            "channel",
            "subject",
        ];
        drop_columns(manager, "outreach_drafts", &drafts).await?;
        let prospects =
            ["merged_into_id", "unsubscribed_at", "last_engagement_date", "lifecycle_stage"];
        drop_columns(manager, "prospects", &prospects).await
    }
}

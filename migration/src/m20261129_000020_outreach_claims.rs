//! Claims of drafts by senders, and the recipient address that an approval applies to.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, short},
    ddl::{add_columns, drop_columns, drop_indexes, stamp_or_absent},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            short("claimed_by", 300),
            stamp_or_absent("claim_expires_at"),
            long("approved_address"),
        ];
        add_columns(manager, "outreach_drafts", columns).await?;
        // The server reads this index every few seconds; because the index is partial, it contains only a few rows.
        let sql = "CREATE INDEX \"ix_outreach_drafts_sending\" ON \"outreach_drafts\" (\"claim_expires_at\") \
                   WHERE \"status\" = 'sending'";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &["ix_outreach_drafts_sending"]).await?;
        let columns = ["approved_address", "claim_expires_at", "claimed_by"];
        drop_columns(manager, "outreach_drafts", &columns).await
    }
}

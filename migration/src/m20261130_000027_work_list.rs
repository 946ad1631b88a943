//! Indexes for the work list: drafts by status, and prospects by the action that they require.
//!
//! The conditions of the partial indexes are repeated in the statement of the work list, because an engine uses a
//! partial index only if the statement contains its condition.

use sea_orm_migration::prelude::*;

use crate::ddl::{Key::Plain, drop_indexes, sort_index};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Prospects for whom actions are recommended.
const ELIGIBLE: &str = "\"deleted_at\" IS NULL AND \"is_active\" AND \"unsubscribed_at\" IS NULL AND \
                        \"lifecycle_stage\" <> 'disqualified'";

/// Names, columns and conditions of the indexes on prospects.
const INDEXES: [(&str, &str, &str); 3] = [
    (
        "ix_prospects_to_reply",
        "\"organization_id\", \"last_engagement_date\", \"id\"",
        "\"last_engagement_date\" IS NOT NULL AND \
         (\"last_contacted_at\" IS NULL OR \"last_contacted_at\" < \"last_engagement_date\")",
    ),
    (
        "ix_prospects_to_contact",
        "\"organization_id\", \"id\"",
        "\"last_contacted_at\" IS NULL AND \"last_engagement_date\" IS NULL",
    ),
    (
        "ix_prospects_to_follow_up",
        "\"organization_id\", \"last_contacted_at\", \"id\"",
        "\"last_contacted_at\" IS NOT NULL AND \
         (\"last_engagement_date\" IS NULL OR \"last_engagement_date\" <= \"last_contacted_at\")",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sort_index(manager, "outreach_drafts", "status", Plain("status")).await?;
        for (name, columns, condition) in INDEXES {
            let sql = format!(
                "CREATE INDEX \"{name}\" ON \"prospects\" ({columns}) WHERE {ELIGIBLE} AND {condition}"
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES.map(|(name, ..)| name)).await?;
        drop_indexes(manager, &["ix_outreach_drafts_status"]).await
    }
}

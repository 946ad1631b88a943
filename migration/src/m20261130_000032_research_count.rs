//! The number of research results of a prospect, by which the work list finds prospects without research.
//!
//! The server counts in the transactions that write research.

use sea_orm_migration::prelude::*;

use crate::{
    column::number,
    ddl::{add_columns, drop_columns, drop_indexes},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Prospects without any contact for whom actions are recommended, as in the migration of the work list.
const UNTOUCHED: &str = "\"deleted_at\" IS NULL AND \"is_active\" AND \"unsubscribed_at\" IS NULL AND \
                         \"lifecycle_stage\" <> 'disqualified' AND \"last_contacted_at\" IS NULL AND \
                         \"last_engagement_date\" IS NULL";

const INDEXES: [(&str, &str); 2] = [
    ("ix_prospects_to_research", "\"research_count\" = 0"),
    ("ix_prospects_to_contact_first", "\"research_count\" > 0"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, "prospects", vec![number("research_count")]).await?;
        let count = "UPDATE \"prospects\" SET \"research_count\" = v.\"results\" FROM (\
                     SELECT \"prospect_id\", count(*) AS \"results\" FROM \"prospect_research\" \
                     GROUP BY \"prospect_id\") v WHERE \"prospects\".\"id\" = v.\"prospect_id\"";
        manager.get_connection().execute_unprepared(count).await?;
        drop_indexes(manager, &["ix_prospects_to_contact"]).await?;
        for (name, condition) in INDEXES {
            index(manager, name, &format!("{UNTOUCHED} AND {condition}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES.map(|(name, _)| name)).await?;
        index(manager, "ix_prospects_to_contact", UNTOUCHED).await?;
        drop_columns(manager, "prospects", &["research_count"]).await
    }
}

async fn index(manager: &SchemaManager<'_>, name: &str, condition: &str) -> Result<(), DbErr> {
    let sql = format!(
        "CREATE INDEX \"{name}\" ON \"prospects\" (\"organization_id\", \"id\") WHERE {condition}"
    );
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

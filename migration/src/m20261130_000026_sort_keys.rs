//! Indexes for lists of drafts and prospects that are sorted by the times of their progress.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::{AbsentFirst, AbsentLast, Plain},
    drop_indexes, index, sort_index,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables, columns, and the names of their indexes.
const KEYS: [(&str, &str, &str); 4] = [
    ("outreach_drafts", "submitted_at", "submitted"),
    ("outreach_drafts", "scheduled_for", "scheduled"),
    ("outreach_drafts", "sent_at", "sent"),
    ("prospects", "last_engagement_date", "last_engagement"),
];

/// The indexes for the prospects of a company.
const BY_COMPANY: [&str; 2] = [
    "ix_prospects_company_id_last_engagement_first",
    "ix_prospects_company_id_last_engagement_last",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, name) in KEYS {
            sort_index(manager, table, &format!("{name}_first"), AbsentFirst(column)).await?;
            sort_index(manager, table, &format!("{name}_last"), AbsentLast(column)).await?;
        }
        // Companies may have many prospects.
        let column = "last_engagement_date";
        for (name, key) in
            [(BY_COMPANY[0], AbsentFirst(column)), (BY_COMPANY[1], AbsentLast(column))]
        {
            index(manager, name, "prospects", &[Plain("company_id"), key, Plain("id")]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &BY_COMPANY).await?;
        for (table, _, name) in KEYS {
            let names = ["first", "last"].map(|end| format!("ix_{table}_{name}_{end}"));
            drop_indexes(manager, &[&names[0], &names[1]]).await?;
        }
        Ok(())
    }
}

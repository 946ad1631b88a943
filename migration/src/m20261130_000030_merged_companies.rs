//! Merged companies, which refer to the company that they were merged into.

use sea_orm_migration::prelude::*;

use crate::{
    ddl::{add_reference, child_indexes, drop_columns, drop_indexes},
    organization_references::{
        OnDelete::SetNull, Reference, check_organizations, ignore_organizations,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REFERENCES: [Reference; 1] = [("companies", "merged_into_id", "companies", SetNull)];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_reference(manager, "companies", "merged_into_id", "companies").await?;
        child_indexes(manager, "companies", "merged_into_id", &[]).await?;
        check_organizations(manager, &REFERENCES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ignore_organizations(manager, &REFERENCES).await?;
        drop_indexes(manager, &["ix_companies_merged_into_id"]).await?;
        drop_columns(manager, "companies", &["merged_into_id"]).await
    }
}

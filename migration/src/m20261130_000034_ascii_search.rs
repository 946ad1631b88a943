//! Faster triggers for search on SQLite: text in ASCII is not searched for letters to replace.

use sea_orm_migration::prelude::*;

use crate::{
    m20261121_000011_search::TABLES, m20261130_000029_search_people::PROSPECTS,
    m20261130_000031_company_fields::COMPANIES, search::renew_triggers,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let replaced = [PROSPECTS.table, COMPANIES.table];
        let mut tables: Vec<_> =
            TABLES.iter().filter(|table| !replaced.contains(&table.table)).collect();
        tables.extend([&PROSPECTS, &COMPANIES]);
        renew_triggers(manager, &tables).await
    }

    /// The triggers of this version write the same documents as those before.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

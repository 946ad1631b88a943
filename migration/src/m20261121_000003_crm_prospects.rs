//! Companies, prospects, and AI research about them.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::{AbsentFirst, AbsentHigh, AbsentLast, AbsentLow, Folded, Plain},
    big, child_indexes, drop_tables, json, list_indexes, owned_table, reference, revision,
    sort_index, stamped, text, varchar,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keep = ForeignKeyAction::NoAction;
        let companies = stamped(
            owned_table("companies")
                .col(varchar("name"))
                .col(big("industry_id"))
                .col(varchar("size"))
                .col(ColumnDef::new("website").string_len(255))
                .col(ColumnDef::new("domain").string_len(255))
                .col(ColumnDef::new("deleted_at").timestamp_with_time_zone())
                .col(revision())
                .foreign_key(&mut reference("companies", "industry_id", "industries", keep)),
        );
        manager.create_table(companies).await?;
        list_indexes(manager, "companies").await?;
        sort_index(manager, "companies", "name", Folded("name")).await?;
        sort_index(manager, "companies", "domain", Folded("domain")).await?;
        child_indexes(manager, "companies", "industry_id", &[("name", Folded("name"))]).await?;

        let prospects = stamped(
            owned_table("prospects")
                .col(varchar("full_name"))
                .col(varchar("email"))
                .col(ColumnDef::new("linkedin_url").string_len(255))
                .col(ColumnDef::new("location").string_len(255))
                .col(big("company_id"))
                .col(ColumnDef::new("last_contacted_at").timestamp_with_time_zone())
                .col(ColumnDef::new("is_active").boolean().not_null())
                .col(ColumnDef::new("deleted_at").timestamp_with_time_zone())
                .col(revision())
                .foreign_key(&mut reference("prospects", "company_id", "companies", keep)),
        );
        manager.create_table(prospects).await?;
        list_indexes(manager, "prospects").await?;
        sort_index(manager, "prospects", "full_name", Folded("full_name")).await?;
        sort_index(manager, "prospects", "email", Folded("email")).await?;
        let (first, last) = (AbsentFirst("last_contacted_at"), AbsentLast("last_contacted_at"));
        sort_index(manager, "prospects", "last_contacted_first", first).await?;
        sort_index(manager, "prospects", "last_contacted_last", last).await?;
        let keys = [
            ("full_name", Folded("full_name")),
            ("last_contacted_first", first),
            ("last_contacted_last", last),
        ];
        child_indexes(manager, "prospects", "company_id", &keys).await?;

        let research = stamped(
            owned_table("prospect_research")
                .col(big("prospect_id"))
                .col(text("research_summary"))
                .col(json("key_insights"))
                .col(json("recommended_solutions"))
                .col(ColumnDef::new("confidence_score").double())
                .col(revision())
                .foreign_key(&mut reference("prospect_research", "prospect_id", "prospects", keep)),
        );
        manager.create_table(research).await?;
        list_indexes(manager, "prospect_research").await?;
        let (low, high) = (AbsentLow("confidence_score"), AbsentHigh("confidence_score"));
        sort_index(manager, "prospect_research", "confidence_low", low).await?;
        sort_index(manager, "prospect_research", "confidence_high", high).await?;
        let keys = [("created_at", Plain("created_at"))];
        child_indexes(manager, "prospect_research", "prospect_id", &keys).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["prospect_research", "prospects", "companies"]).await
    }
}

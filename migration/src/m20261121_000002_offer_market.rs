//! Solutions, their target industries, and the events at which the sales team meets prospects.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::{Folded, Plain},
    big, drop_tables, index, json, list_indexes, owned_table, reference, revision, sort_index,
    stamp, stamped, text, varchar,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let industries = stamped(owned_table("industries").col(varchar("name")).col(revision()));
        manager.create_table(industries).await?;
        list_indexes(manager, "industries").await?;
        sort_index(manager, "industries", "name", Folded("name")).await?;

        let solutions = stamped(
            owned_table("solutions")
                .col(varchar("name"))
                .col(varchar("category"))
                .col(text("description"))
                .col(json("use_cases"))
                .col(json("keywords"))
                .col(varchar("pricing_model"))
                .col(revision()),
        );
        manager.create_table(solutions).await?;
        list_indexes(manager, "solutions").await?;
        sort_index(manager, "solutions", "name", Folded("name")).await?;
        sort_index(manager, "solutions", "category", Folded("category")).await?;

        let cascade = ForeignKeyAction::Cascade;
        let industry_solutions = stamped(
            Table::create()
                .table("industry_solutions")
                .col(big("industry_id"))
                .col(big("solution_id"))
                .primary_key(Index::create().col("industry_id").col("solution_id"))
                .foreign_key(&mut reference(
                    "industry_solutions",
                    "industry_id",
                    "industries",
                    cascade,
                ))
                .foreign_key(&mut reference(
                    "industry_solutions",
                    "solution_id",
                    "solutions",
                    cascade,
                )),
        );
        manager.create_table(industry_solutions).await?;
        let keys = [Plain("solution_id"), Plain("industry_id")];
        index(manager, "ix_industry_solutions_solution_id", "industry_solutions", &keys).await?;

        let events = stamped(
            owned_table("events")
                .col(varchar("event_type"))
                .col(stamp("event_date"))
                .col(text("description"))
                .col(varchar("location"))
                .col(json("target_industries"))
                .col(json("target_roles"))
                .col(json("solutions_featured"))
                .col(varchar("status"))
                .col(revision()),
        );
        manager.create_table(events).await?;
        list_indexes(manager, "events").await?;
        sort_index(manager, "events", "event_date", Plain("event_date")).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["events", "industry_solutions", "solutions", "industries"]).await
    }
}

//! Columns by which lists are sorted in an order other than that of the displayed values: prospects by lifecycle stage,
//! companies by size and by the number of their prospects.
//!
//! The server computes the rank of the stage and the lower bound of the size from the row; values for existing rows are
//! computed after the migration (see `comparison_progress`). It counts prospects in the transactions that write them.

use sea_orm_migration::prelude::*;

use crate::{
    column::{number, number_or_absent},
    ddl::{
        Key::{AbsentHigh, AbsentLow, Plain},
        add_columns, drop_columns, drop_indexes, index, sort_index,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEXES: [&str; 5] = [
    "ix_prospects_lifecycle_rank",
    "ix_prospects_company_id_lifecycle_rank",
    "ix_companies_size_low",
    "ix_companies_size_high",
    "ix_companies_prospect_count",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_columns(manager, "prospects", vec![number("lifecycle_rank")]).await?;
        let companies = vec![number_or_absent("size_lower_bound"), number("prospect_count")];
        add_columns(manager, "companies", companies).await?;
        let count = "UPDATE \"companies\" SET \"prospect_count\" = v.\"prospects\" FROM (\
                     SELECT \"company_id\", count(*) AS \"prospects\" FROM \"prospects\" \
                     WHERE \"deleted_at\" IS NULL GROUP BY \"company_id\") v \
                     WHERE \"companies\".\"id\" = v.\"company_id\"";
        manager.get_connection().execute_unprepared(count).await?;

        let rank = Plain("lifecycle_rank");
        sort_index(manager, "prospects", "lifecycle_rank", rank).await?;
        let keys = [Plain("company_id"), rank, Plain("id")];
        index(manager, INDEXES[1], "prospects", &keys).await?;
        sort_index(manager, "companies", "size_low", AbsentLow("size_lower_bound")).await?;
        sort_index(manager, "companies", "size_high", AbsentHigh("size_lower_bound")).await?;
        sort_index(manager, "companies", "prospect_count", Plain("prospect_count")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES).await?;
        drop_columns(manager, "companies", &["size_lower_bound", "prospect_count"]).await?;
        drop_columns(manager, "prospects", &["lifecycle_rank"]).await
    }
}

//! Usage measures: calls of unknown duration, and the cost paid by the server itself.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::{
    column::{number, number_or_absent, sum},
    ddl::{
        Key::{AbsentHigh, AbsentLow, Plain},
        add_columns, drop_columns, drop_indexes, sort_index,
    },
    roll_up,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const LEDGERS: [&str; 2] = ["llm_usage_logs", "service_usage_logs"];

/// Rows of a usage log that the server's enrichments wrote. Rows from a data migration have an external ID from their
/// source.
const PAID: [&str; 2] = [
    "UPDATE \"llm_usage_logs\" SET \"is_paid_by_server\" = TRUE WHERE \"workflow_name\" = 'enrichment' \
     AND \"node_name\" = 'look_up' AND NOT EXISTS (SELECT 1 FROM \"external_ids\" e \
     WHERE e.\"entity_type\" = 'llm_usage_log' AND e.\"entity_id\" = \"llm_usage_logs\".\"id\" \
     AND e.\"organization_id\" = \"llm_usage_logs\".\"organization_id\")",
    "UPDATE \"service_usage_logs\" SET \"is_paid_by_server\" = TRUE WHERE \"kind\" = 'api_call' \
     AND \"unit\" = 'call' AND \"import_job_id\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"external_ids\" e \
     WHERE e.\"entity_type\" = 'service_usage_log' AND e.\"entity_id\" = \"service_usage_logs\".\"id\" \
     AND e.\"organization_id\" = \"service_usage_logs\".\"organization_id\")",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        roll_up::drop(manager).await?;
        for ledger in LEDGERS {
            let paid =
                ColumnDef::new("is_paid_by_server").boolean().not_null().default(false).to_owned();
            add_columns(manager, ledger, vec![paid]).await?;
        }
        let sums = vec![number("timed_calls"), sum("server_cost_usd")];
        add_columns(manager, "daily_cost_summaries", sums).await?;
        drop_indexes(manager, &["ix_llm_usage_logs_latency_ms"]).await?;
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => {
                run(
                    manager,
                    "ALTER TABLE \"llm_usage_logs\" ALTER COLUMN \"latency_ms\" DROP NOT NULL",
                )
                .await?;
            }
            // SQLite can't drop the constraint of a column.
            _ => replace_column(manager, number_or_absent("latency_ms_new")).await?,
        }
        // No call takes less than a millisecond: an unknown duration was stored as 0.
        run(
            manager,
            "UPDATE \"llm_usage_logs\" SET \"latency_ms\" = NULL WHERE \"latency_ms\" = 0",
        )
        .await?;
        for sql in PAID {
            run(manager, sql).await?;
        }
        for (name, key) in [
            ("latency_ms_low", AbsentLow("latency_ms")),
            ("latency_ms_high", AbsentHigh("latency_ms")),
        ] {
            sort_index(manager, "llm_usage_logs", name, key).await?;
        }
        roll_up::create(manager, roll_up::Measures::All).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        roll_up::drop(manager).await?;
        let indexes = ["ix_llm_usage_logs_latency_ms_low", "ix_llm_usage_logs_latency_ms_high"];
        drop_indexes(manager, &indexes).await?;
        run(
            manager,
            "UPDATE \"llm_usage_logs\" SET \"latency_ms\" = 0 WHERE \"latency_ms\" IS NULL",
        )
        .await?;
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => {
                run(
                    manager,
                    "ALTER TABLE \"llm_usage_logs\" ALTER COLUMN \"latency_ms\" SET NOT NULL",
                )
                .await?;
            }
            _ => replace_column(manager, number("latency_ms_new")).await?,
        }
        sort_index(manager, "llm_usage_logs", "latency_ms", Plain("latency_ms")).await?;
        drop_columns(manager, "daily_cost_summaries", &["server_cost_usd", "timed_calls"]).await?;
        for ledger in LEDGERS {
            drop_columns(manager, ledger, &["is_paid_by_server"]).await?;
        }
        roll_up::create(manager, roll_up::Measures::First).await
    }
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await?;
    Ok(())
}

/// Replaces `latency_ms` with a new column, keeping its values.
async fn replace_column(manager: &SchemaManager<'_>, column: ColumnDef) -> Result<(), DbErr> {
    add_columns(manager, "llm_usage_logs", vec![column]).await?;
    run(manager, "UPDATE \"llm_usage_logs\" SET \"latency_ms_new\" = \"latency_ms\"").await?;
    drop_columns(manager, "llm_usage_logs", &["latency_ms"]).await?;
    run(
        manager,
        "ALTER TABLE \"llm_usage_logs\" RENAME COLUMN \"latency_ms_new\" TO \"latency_ms\"",
    )
    .await
}

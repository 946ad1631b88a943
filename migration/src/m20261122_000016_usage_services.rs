//! Usage log of paid service calls, additional columns for language model calls, and daily cost summaries.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, number, number_or_absent, part, pointer, short, sum, word},
    ddl::{
        Key::Plain, add_columns, add_reference, child_indexes, drop_columns, drop_indexes,
        drop_tables, index, json, list_indexes, list_indexes_without_updates, owned_table,
        reference, sort_index, stamp, stamp_or_absent, stamped, unique, varchar,
    },
    roll_up,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const LLM: [&str; 9] = [
    "provider",
    "request_id",
    "prompt_type",
    "finish_reason",
    "endpoint",
    "status_code",
    "request_size_bytes",
    "response_size_bytes",
    "error",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ledgers(manager).await?;
        roll_up::create(manager, roll_up::Measures::First).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        roll_up::drop(manager).await?;
        let indexes = [
            "ix_llm_usage_logs_provider",
            "ix_llm_usage_logs_import_record_id",
            "ix_llm_usage_logs_import_job_id",
        ];
        drop_indexes(manager, &indexes).await?;
        let pointers = ["import_record_id", "import_job_id"];
        drop_columns(manager, "llm_usage_logs", &pointers).await?;
        drop_columns(manager, "llm_usage_logs", &LLM).await?;
        drop_tables(manager, &["daily_cost_summaries", "service_usage_logs"]).await
    }
}

async fn ledgers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        short("provider", 50),
        short("request_id", 255),
        short("prompt_type", 100),
        short("finish_reason", 50),
        long("endpoint"),
        number_or_absent("status_code"),
        number_or_absent("request_size_bytes"),
        number_or_absent("response_size_bytes"),
        long("error"),
    ];
    add_columns(manager, "llm_usage_logs", columns).await?;
    let set_null = ForeignKeyAction::SetNull;
    for (column, to) in [("import_job_id", "import_jobs"), ("import_record_id", "import_records")] {
        add_reference(manager, "llm_usage_logs", column, to).await?;
        child_indexes(manager, "llm_usage_logs", column, &[]).await?;
    }
    let provider = [Plain("organization_id"), Plain("provider"), Plain("created_at"), Plain("id")];
    index(manager, "ix_llm_usage_logs_provider", "llm_usage_logs", &provider).await?;

    let name = "service_usage_logs";
    let table = stamped(
        owned_table(name)
            .col(pointer("import_job_id"))
            .col(pointer("import_record_id"))
            .col(word("kind"))
            .col(ColumnDef::new("provider").string_len(50).not_null())
            .col(varchar("operation"))
            .col(short("resource", 1000))
            .col(short("bucket", 255))
            .col(part("quantity"))
            .col(short("unit", 20))
            .col(part("unit_cost"))
            .col(json("charges"))
            .col(ColumnDef::new("cost").double().not_null())
            .col(number_or_absent("tokens"))
            .col(short("request_id", 255))
            .col(number_or_absent("size_bytes"))
            .col(short("content_type", 255))
            .col(number_or_absent("latency_ms"))
            .col(number_or_absent("duration_ms"))
            .col(short("status", 50))
            .col(number_or_absent("status_code"))
            .col(number_or_absent("request_size_bytes"))
            .col(number_or_absent("response_size_bytes"))
            .col(long("error"))
            .col(stamp_or_absent("started_at"))
            .col(stamp_or_absent("completed_at"))
            .foreign_key(&mut reference(name, "import_job_id", "import_jobs", set_null))
            .foreign_key(&mut reference(name, "import_record_id", "import_records", set_null)),
    );
    manager.create_table(table).await?;
    list_indexes_without_updates(manager, name).await?;
    sort_index(manager, name, "updated_at", Plain("updated_at")).await?;
    sort_index(manager, name, "cost", Plain("cost")).await?;
    let by = |column| [Plain("organization_id"), Plain(column), Plain("created_at"), Plain("id")];
    for column in ["provider", "operation", "resource", "status"] {
        index(manager, &format!("ix_{name}_{column}"), name, &by(column)).await?;
    }
    child_indexes(manager, name, "import_job_id", &[]).await?;
    child_indexes(manager, name, "import_record_id", &[]).await?;

    let name = "daily_cost_summaries";
    let table = stamped(
        owned_table(name)
            .col(stamp("date"))
            .col(word("category"))
            .col(ColumnDef::new("provider").string_len(50).not_null())
            .col(varchar("model"))
            .col(number("calls"))
            .col(sum("input_tokens"))
            .col(sum("output_tokens"))
            .col(sum("quantity"))
            .col(sum("latency_ms_total"))
            .col(sum("cost_usd")),
    );
    manager.create_table(table).await?;
    list_indexes(manager, name).await?;
    sort_index(manager, name, "date", Plain("date")).await?;
    let only = ["organization_id", "date", "category", "provider", "model"];
    unique(manager, name, &only).await
}

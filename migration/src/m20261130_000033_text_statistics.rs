//! Statistics about the folded text by which lists are filtered.
//!
//! Filters compare text as `lower("column" COLLATE "C")`. Postgres knows nothing about the values of an expression
//! unless it has an index or statistics: for an equality it then expects one row in 200, whatever the data is. Postgres 13
//! has no statistics of expressions; SQLite has statistics of indexes only.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DatabaseBackend, Statement},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables, and their short text columns without an index on the folded text.
const COLUMNS: [(&str, &[&str]); 18] = [
    ("changes", &["entity", "actor_name", "actor_kind", "kind", "request_id", "client_request_id"]),
    ("companies", &["country", "website", "size", "phone"]),
    ("daily_cost_summaries", &["model", "category", "provider"]),
    ("enrichment_cache", &["source", "lookup_type", "cache_key"]),
    ("events", &["event_type", "status", "location"]),
    ("external_ids", &["entity_type", "system", "external_key"]),
    ("extractions", &["source_type"]),
    ("field_provenance", &["outcome", "field", "source"]),
    ("import_jobs", &["name", "kind", "file_name", "committed_by", "candidate_decision"]),
    ("import_records", &["match_reason", "decision", "email", "promotion_status", "verdict"]),
    ("interactions", &["direction", "sentiment", "interaction_type", "subject", "channel"]),
    (
        "llm_usage_logs",
        &[
            "provider",
            "workflow_name",
            "model",
            "node_name",
            "finish_reason",
            "prompt_type",
            "request_id",
        ],
    ),
    ("message_templates", &["template_type", "locale"]),
    (
        "outreach_drafts",
        &[
            "content_type",
            "approver_kind",
            "author_name",
            "author_kind",
            "model",
            "tone",
            "variant",
            "channel",
            "status",
            "draft_type",
            "claimed_by",
            "approver_name",
            "provider_message_id",
        ],
    ),
    (
        "prospects",
        &[
            "job_title",
            "phone",
            "first_name",
            "last_name",
            "lifecycle_stage",
            "location",
            "linkedin_url",
            "source",
        ],
    ),
    (
        "service_usage_logs",
        &[
            "status",
            "unit",
            "content_type",
            "provider",
            "operation",
            "kind",
            "resource",
            "bucket",
            "request_id",
        ],
    ),
    ("settings", &["scope", "value_type"]),
    ("solutions", &["pricing_model"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !has_expression_statistics(manager).await? {
            return Ok(());
        }
        for (table, columns) in COLUMNS {
            let create = columns.iter().map(|column| {
                format!(
                    "CREATE STATISTICS \"st_{table}_{column}\" ON (lower(\"{column}\" COLLATE \"C\")) \
                     FROM \"{table}\"; "
                )
            });
            let sql = format!("{}ANALYZE \"{table}\"", create.collect::<String>());
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DatabaseBackend::Postgres {
            return Ok(());
        }
        for (table, columns) in COLUMNS {
            let drop = columns
                .iter()
                .map(|column| format!("DROP STATISTICS IF EXISTS \"st_{table}_{column}\"; "));
            manager.get_connection().execute_unprepared(&drop.collect::<String>()).await?;
        }
        Ok(())
    }
}

/// Whether the database is Postgres 14 or newer.
pub(crate) async fn has_expression_statistics(manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
    let backend = manager.get_database_backend();
    if backend != DatabaseBackend::Postgres {
        return Ok(false);
    }
    let version = "SELECT current_setting('server_version_num')::integer";
    let statement = Statement::from_string(backend, version);
    let row = manager.get_connection().query_one_raw(statement).await?;
    let version: i32 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(version >= 140_000)
}

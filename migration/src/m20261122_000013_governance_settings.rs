//! Settings, and the external IDs of rows in other systems.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::{
    column::{long, word},
    ddl::{
        Key::{Folded, Plain},
        big, drop_tables, index, list_indexes, owned_table, revision, sort_index, stamp_or_absent,
        stamped, unique, varchar,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The default settings, inserted by this migration.
const SETTINGS: [(&str, &str, &str, &str); 6] = [
    ("llm_provider", "\"openai\"", "string", "LLM provider to use"),
    ("llm_model", "\"gpt-4o-mini\"", "string", "Model name"),
    ("max_concurrent_enrichments", "3", "integer", "Max parallel enrichments"),
    ("cache_ttl_days", "7", "integer", "Cache expiry in days"),
    ("daily_spend_limit", "100.0", "float", "Maximum daily API spend"),
    ("enable_deep_search", "true", "boolean", "Enable deep web search"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        settings(manager).await?;
        external_ids(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["external_ids", "settings"]).await
    }
}

async fn settings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = stamped(
        owned_table("settings")
            .col(word("scope"))
            .col(ColumnDef::new("key").string_len(100).not_null())
            .col(ColumnDef::new("value").json_binary().not_null())
            .col(ColumnDef::new("value_type").string_len(10).not_null())
            .col(long("description"))
            .col(revision()),
    );
    manager.create_table(table).await?;
    list_indexes(manager, "settings").await?;
    sort_index(manager, "settings", "key", Folded("key")).await?;
    unique(manager, "settings", &["organization_id", "scope", "key"]).await?;
    let now = match manager.get_database_backend() {
        DatabaseBackend::Postgres => "now()",
        _ => "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')",
    };
    for (key, value, kind, about) in SETTINGS {
        let value = match manager.get_database_backend() {
            DatabaseBackend::Postgres => format!("CAST('{value}' AS jsonb)"),
            _ => format!("'{value}'"),
        };
        let sql = format!(
            "INSERT INTO \"settings\" (\"organization_id\", \"scope\", \"key\", \"value\", \"value_type\", \
             \"description\", \"created_at\", \"updated_at\") SELECT \"id\", 'system', '{key}', {value}, \
             '{kind}', '{about}', {now}, {now} FROM \"organizations\""
        );
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn external_ids(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = stamped(
        owned_table("external_ids")
            .col(ColumnDef::new("entity_type").string_len(50).not_null())
            .col(big("entity_id"))
            .col(ColumnDef::new("system").string_len(50).not_null())
            .col(varchar("external_key"))
            .col(stamp_or_absent("last_synced_at"))
            .col(revision()),
    );
    manager.create_table(table).await?;
    list_indexes(manager, "external_ids").await?;
    unique(manager, "external_ids", &["organization_id", "system", "entity_type", "external_key"])
        .await?;
    let back = [Plain("entity_id"), Plain("entity_type")];
    index(manager, "ix_external_ids_entity_id", "external_ids", &back).await
}

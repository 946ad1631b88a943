//! Test rows of the enrichment tables, one row per table.

use sea_orm::ConnectionTrait;

use crate::App;

/// A timestamp literal that both engines accept.
const NOON: &str = "'2026-03-01T12:00:00+00:00'";

impl App {
    /// Inserts one row of every enrichment table for the prospect, company, import job and import record with primary
    /// key 1.
    pub async fn found(&self) {
        for (table, columns, values) in [
            (
                "message_templates",
                "name, template_type, template_text, variables, usage_count, version, is_active, revision",
                "'Intro', 'body', 'Dear {{first_name}}', '[\"first_name\"]', 0, 1, TRUE, 1",
            ),
            (
                "template_performance",
                "message_template_id, import_job_id, open_rate, revision",
                "1, 1, 0.5, 1",
            ),
            (
                "service_usage_logs",
                "import_job_id, import_record_id, kind, provider, operation, cost, latency_ms",
                "1, 1, 'api_call', 'acme', 'look_up', 0.25, 120",
            ),
            (
                "field_provenance",
                "prospect_id, import_job_id, import_record_id, field, value, outcome, source, confidence, \
                 cost, fetched_at, revision",
                "1, 1, 1, 'phone', '+493012345678', 'applied', 'http', 0.9, 0.25, \
                 '2026-03-01T12:00:00+00:00', 1",
            ),
            ("extractions", "import_job_id, source_type, revision", "1, 'file', 1"),
        ] {
            self.put(table, columns, values).await;
        }
        self.answered().await;
        self.known_elsewhere().await;
    }

    /// Inserts a cache entry for the prospect with primary key 1.
    pub async fn answered(&self) {
        self.put(
            "enrichment_cache",
            "lookup_type, cache_key, hit_count, prospect_id, expires_at, revision",
            "'person/http', 'abc', 0, 1, '2026-03-08T12:00:00+00:00', 1",
        )
        .await;
    }

    /// Inserts an external ID of the import job with primary key 1.
    pub async fn known_elsewhere(&self) {
        self.put(
            "external_ids",
            "entity_type, entity_id, system, external_key, revision",
            "'import_job', 1, 'enrichment', 'abc', 1",
        )
        .await;
    }

    pub(crate) async fn put(&self, table: &str, columns: &str, values: &str) {
        let organization = self.organization;
        let sql = format!(
            "INSERT INTO {table} (organization_id, {columns}, created_at, updated_at) \
             VALUES ({organization}, {values}, {NOON}, {NOON})"
        );
        self.db.execute_unprepared(&sql).await.unwrap();
    }
}

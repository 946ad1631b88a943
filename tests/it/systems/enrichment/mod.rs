//! Data migration from databases with the schema of the enrichment document.

use std::collections::HashMap;

use engine::progress::Unwatched;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use service::systems::enrichment::{self, ImportedTable, Outcome, Source};
use tests::{App, behaviours, enrichment_source as document};

use crate::imports;

pub mod cells;
pub mod queries;
pub mod skipped;

behaviours![
    every_table_is_migrated,
    repeated_import_migrates_only_new_rows,
    local_changes_and_deletions_are_kept,
    records_become_prospects_and_drafts,
    invalid_rows_are_listed_and_nothing_is_written,
    another_source_needs_its_own_system_name,
];

async fn import_as(app: &App, url: &str, system: Option<&str>) -> Outcome {
    let source = Source::open(url).await.unwrap();
    let scope = app.scope(app.organization);
    enrichment::import(&scope, &source, system.map(str::to_owned), false, &Unwatched).await.unwrap()
}

/// The number of new, changed and unchanged rows per table.
async fn import(app: &App, url: &str) -> HashMap<&'static str, (u64, u64, u64)> {
    match import_as(app, url, None).await {
        Outcome::Imported { tables, .. } => {
            let told = |brought: ImportedTable| {
                (brought.table, (brought.new, brought.changed, brought.kept))
            };
            tables.into_iter().map(told).collect()
        }
        Outcome::Refused(findings) => panic!("{findings:?}"),
    }
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap()
}

async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
    rows(db, sql).await[0].try_get_by_index(0).unwrap()
}

#[expect(clippy::too_many_lines, reason = "one table after another")]
async fn every_table_is_migrated(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 12).await;
    let brought = import(&app, &url).await;
    for (table, (new, ..)) in &brought {
        let there = count(&db, &format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(i64::try_from(*new).unwrap(), there, "{table}");
    }
    let job = "{ importJobs(first: 1) { nodes { name kind status totalRecords processedRecords failedRecords inputFilePath \
               outputFilePath options estimatedCost actualCost createdAt startedAt completedAt committedBy error metadata \
               processingTimeSeconds } } externalIds(first: 1, filter: { entityType: { eq: \"import_job\" } }) { nodes { nodeId system externalKey } } }";
    let told = app.data(job).await;
    assert_eq!(
        told["importJobs"]["nodes"][0],
        json!({ "name": "list 0.csv", "kind": "ENRICHMENT", "status": "COMPLETED", "totalRecords": 0,
            "processedRecords": 0, "failedRecords": 0, "inputFilePath": "/data/in/list 0.csv",
            "outputFilePath": "/data/out/0.csv", "options": { "generate_variants": 0 }, "estimatedCost": 0.0,
            "actualCost": 0.0, "createdAt": "2026-02-01T08:30:15Z", "startedAt": "2026-02-01T09:30:15Z",
            "completedAt": "2026-02-01T10:30:15Z", "committedBy": "person/default", "error": null,
            "metadata": { "processing_time_seconds": 3600.5, "user_id": "default" }, "processingTimeSeconds": 3600.0 })
    );
    assert_eq!(
        told["externalIds"]["nodes"],
        json!([{ "nodeId": "ImportJob:1", "system": "enrichment", "externalKey": "job0000" }])
    );
    // Every column of the other tables has the same values as in the source.
    for (table, pairs, ours, map) in [
        (
            "records",
            "record_index, status, original_data, enriched_data, generated_content, processing_attempts, last_error, \
             processing_time_ms, llm_tokens_used, cost, enrichment_confidence, data_completeness",
            "importRecords",
            "recordIndex status originalData enrichedData generatedContent processingAttempts lastError \
             processingTimeMs llmTokensUsed cost enrichmentConfidence dataCompleteness",
        ),
        (
            "enrichment_cache",
            "cache_key, lookup_type, result_data, hit_count, confidence_score, source",
            "enrichmentCacheEntries",
            "cacheKey lookupType resultData hitCount confidenceScore source",
        ),
        (
            "email_templates",
            "name, template_type, template_text, usage_count, success_rate, version, is_active",
            "messageTemplates",
            "name templateType templateText usageCount successRate version isActive",
        ),
        (
            "template_performance",
            "open_rate, response_rate, conversion_rate",
            "templatePerformances",
            "openRate responseRate conversionRate",
        ),
        (
            "api_usage WHERE provider = 'duckduckgo'",
            "provider, endpoint, tokens_used, cost, response_time_ms, status_code, request_size_bytes, response_size_bytes",
            "serviceUsageLogs",
            "provider operation tokens cost latencyMs statusCode requestSizeBytes responseSizeBytes",
        ),
        (
            "api_usage WHERE provider <> 'duckduckgo'",
            "provider, endpoint, tokens_used, tokens_used, cost, response_time_ms, status_code, request_size_bytes",
            "llmUsageLogs",
            "provider endpoint totalTokens promptTokens cost latencyMs statusCode requestSizeBytes",
        ),
    ] {
        let columns: Vec<&str> = pairs.split(',').map(str::trim).collect();
        let fields: Vec<&str> = map.split_whitespace().collect();
        // Pending records are imported with 0 attempts.
        let read = |column: &str| match column {
            "processing_attempts" => {
                format!("'{column}', CASE status WHEN 'pending' THEN 0 ELSE {column} END")
            }
            _ => format!("'{column}', {column}"),
        };
        let parts: Vec<_> = columns.iter().map(|column| read(column)).collect();
        // The keys are numbered because object keys must be unique.
        let parts =
            parts.iter().enumerate().map(|(n, part)| part.replacen('\'', &format!("'{n}"), 1));
        let sql = format!(
            "SELECT json_object({}) FROM {table} ORDER BY id",
            parts.collect::<Vec<_>>().join(", ")
        );
        let expected: Vec<Value> = rows(&db, &sql)
            .await
            .iter()
            .map(|row| serde_json::from_str(&row.try_get_by_index::<String>(0).unwrap()).unwrap())
            .collect();
        let query =
            format!("{{ {ours}(first: 100, orderBy: [{{ id: ASC }}]) {{ nodes {{ {map} }} }} }}");
        let query = query.replace(", orderBy: [{ id: ASC }]", "");
        let told = app.data(&query).await[ours]["nodes"].as_array().unwrap().clone();
        assert!(!told.is_empty());
        for (row, expected) in told.iter().zip(&expected) {
            for (number, (column, field)) in columns.iter().zip(&fields).enumerate() {
                let was = &expected[format!("{number}{column}")];
                let is = &row[*field];
                let same = match (was, is) {
                    (Value::Number(was), Value::Number(is)) => was.as_f64() == is.as_f64(),
                    (Value::Number(was), Value::Bool(is)) => (was.as_i64() == Some(1)) == *is,
                    (Value::String(was), Value::Object(_) | Value::Array(_)) => {
                        serde_json::from_str::<Value>(was).unwrap() == *is
                    }
                    (Value::String(was), Value::String(is)) => was.eq_ignore_ascii_case(is),
                    (was, is) => was == is,
                };
                assert!(same, "{table}.{column}: {was} became {is}");
            }
        }
    }
    let settings = app.data("{ settings { nodes { key value valueType scope } } }").await;
    let setting = |key: &str, value: Value, of_type: &str| json!({ "key": key, "value": value, "valueType": of_type, "scope": "SYSTEM" });
    assert_eq!(
        settings["settings"]["nodes"],
        json!([
            setting("llm_provider", json!("openai"), "STRING"),
            setting("llm_model", json!("gpt-4o"), "STRING"),
            setting("max_concurrent_enrichments", json!(5), "INTEGER"),
            setting("cache_ttl_days", json!(14), "INTEGER"),
            setting("daily_spend_limit", json!(12.5), "FLOAT"),
            setting("enable_deep_search", json!(false), "BOOLEAN"),
            // A setting that the server does not use can be deleted.
            json!({ "key": "theme", "value": { "dark": true }, "valueType": "JSON", "scope": "ORGANIZATION" }),
        ])
    );
    // Invalid JSON is stored as a string.
    let variables = app.data("{ messageTemplates { nodes { variables } } }").await;
    assert_eq!(
        variables["messageTemplates"]["nodes"],
        json!([{ "variables": ["company_name"] }, { "variables": null }, { "variables": "no JSON" }])
    );
    // Migrated records are not enriched.
    assert_eq!(crate::enrichment::work(&app).await, 0);
}

async fn repeated_import_migrates_only_new_rows(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 6).await;
    import(&app, &url).await;
    let dump = tests::stored::stored(&app).await;
    let again = import(&app, &url).await;
    assert!(again.values().all(|told| *told == (0, 0, 0)), "{again:?}");
    assert_eq!(tests::stored::stored(&app).await, dump);
    db.execute_unprepared(
        "UPDATE jobs SET status = 'completed', processed_records = 3 WHERE id = 'job0005'; \
         INSERT INTO records (job_id, record_index, original_data, created_at) VALUES ('job0005', 99, '{\"Name\": \"Late\"}', '2026-02-26 08:00:00'); \
         INSERT INTO api_usage (provider, endpoint, cost, created_at) VALUES ('maps', 'geocode', 0.5, '2026-02-26 08:00:00')",
    )
    .await
    .unwrap();
    app.clock.advance(chrono::TimeDelta::hours(1));
    let again = import(&app, &url).await;
    assert_eq!(
        (again["jobs"], again["records"], again["api_usage"]),
        ((0, 1, 0), (1, 0, 0), (1, 0, 0))
    );
    let job = "{ externalIds(filter: { externalKey: { eq: \"job0005\" } }) { nodes { nodeId } } importJob(id: 6) { status processedRecords } }";
    let told = app.data(job).await;
    assert_eq!(told["importJob"], json!({ "status": "COMPLETED", "processedRecords": 3 }));
    let again = import(&app, &url).await;
    assert!(again.values().all(|told| *told == (0, 0, 0)), "{again:?}");
}

async fn local_changes_and_deletions_are_kept(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 6).await;
    import(&app, &url).await;
    app.clock.advance(chrono::TimeDelta::hours(1));
    app.done("mutation { updateMessageTemplate(input: { id: 1, patch: { isActive: false } }) { userErrors { message } } }").await;
    app.done("mutation { deleteImportJob(input: { id: 3 }) { userErrors { message } } }").await;
    db.execute_unprepared(
        "UPDATE email_templates SET usage_count = 99; \
         INSERT INTO records (job_id, record_index, original_data, created_at) VALUES ('job0002', 99, '{}', '2026-02-26 08:00:00')",
    )
    .await
    .unwrap();
    let again = import(&app, &url).await;
    assert_eq!(again["email_templates"], (0, 2, 1));
    assert_eq!((again["jobs"], again["records"]), ((0, 0, 0), (0, 0, 0)));
    let told = app.data("{ messageTemplates { nodes { isActive usageCount } } }").await;
    assert_eq!(
        told["messageTemplates"]["nodes"][0],
        json!({ "isActive": false, "usageCount": 12 })
    );
    // Usage logs remain after their job is deleted.
    let ledger = app.data("{ serviceUsageLogs { totalCount } llmUsageLogs { totalCount } }").await;
    let all = count(&db, "SELECT count(*) FROM api_usage").await;
    let of = |name: &str| ledger[name]["totalCount"].as_i64().unwrap();
    assert_eq!(of("serviceUsageLogs") + of("llmUsageLogs"), all);
}

async fn records_become_prospects_and_drafts(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = document::filled(folder.path(), 5).await;
    import(&app, &url).await;
    let verdicts = "{ importJob(id: 5) { importRecords { nodes { status verdict reason } } } }";
    let told = app.data(verdicts).await["importJob"]["importRecords"]["nodes"].clone();
    let create = told.as_array().unwrap().iter().filter(|row| row["verdict"] == "CREATE").count();
    let enriched =
        told.as_array().unwrap().iter().filter(|row| row["status"] == "ENRICHED").count();
    assert!(create > 0 && create == enriched, "{told}");
    imports::commit(&app, 5, "WAIT").await;
    let made = app.data("{ prospects { nodes { email company { name } outreachDrafts { nodes { subject content status variant } } } } importJob(id: 5) { status createdRecords processedRecords enrichedRecords } }").await;
    let people = made["prospects"]["nodes"].as_array().unwrap().clone();
    assert_eq!(people.len(), create);
    assert!(people[0]["email"].as_str().unwrap().starts_with("person"));
    let drafts = people[0]["outreachDrafts"]["nodes"].clone();
    assert_eq!(
        drafts[1],
        json!({ "subject": "T", "content": "C", "status": "PENDING_REVIEW", "variant": "B" })
    );
    let told = &made["importJob"];
    assert_eq!(told["createdRecords"], create);
    // The job returns to its original status; creating prospects does not complete the enrichment.
    assert_eq!((&told["status"], &told["enrichedRecords"]), (&json!("PENDING"), &json!(create)));
    imports::act(&app, "undoImportJob", 5).await;
    let left = app.data("{ prospects { totalCount } outreachDrafts { totalCount } }").await;
    assert_eq!(
        left,
        json!({ "prospects": { "totalCount": 0 }, "outreachDrafts": { "totalCount": 0 } })
    );
}

async fn invalid_rows_are_listed_and_nothing_is_written(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 3).await;
    db.execute_unprepared(
        "PRAGMA foreign_keys = OFF; \
         INSERT INTO records (job_id, record_index, original_data) VALUES ('nobody', 0, '{}'); \
         UPDATE jobs SET created_at = 'yesterday', actual_cost = 'much' WHERE id = 'job0001'; \
         UPDATE settings SET value = 'many' WHERE key = 'max_concurrent_enrichments'; \
         INSERT INTO api_usage (provider, endpoint, cost, tokens_used) VALUES ('openai', 'x', 1, 1.5); \
         INSERT INTO records (job_id, record_index, original_data) VALUES ('job0001', 7, '{\"a\": \"b\\u0000\"}'), ('job0001', 7, '{}'); \
         UPDATE settings SET value = 'perhaps' WHERE key = 'enable_deep_search'; \
         UPDATE email_templates SET success_rate = 45.5, usage_count = -1 WHERE id = 1",
    )
    .await
    .unwrap();
    let before = tests::stored::stored(&app).await;
    let Outcome::Refused(findings) = import_as(&app, &url, None).await else {
        panic!("invalid rows were imported")
    };
    let told: Vec<String> = findings
        .iter()
        .map(|found| {
            format!(
                "{} {} ({}: {})",
                found.place,
                found.reason,
                found.rows,
                found.examples.join(" ")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "api_usage.tokens_used is not an integer (1: 13)",
            "email_templates.success_rate is not from 0 to 1 (1: 1)",
            "email_templates.usage_count is below 0 (1: 1)",
            "jobs.actual_cost is not a number (1: job0001)",
            "jobs.created_at is not a timestamp (1: job0001)",
            "records.job_id references a missing row of jobs (1: 5)",
            "records.job_id, record_index is a duplicate (1: 7)",
            "records.original_data contains the NUL character, which is not supported (1: 6)",
            "settings.value `value` must have type BOOLEAN (1: enable_deep_search)",
            "settings.value `value` must have type INTEGER (1: max_concurrent_enrichments)",
        ]
    );
    assert_eq!(tests::stored::stored(&app).await, before);
    let wrong = folder.path().join("wrong.db");
    std::fs::write(&wrong, "no database").unwrap();
    for url in [
        format!("sqlite:{}", wrong.display()),
        "sqlite:/nowhere.db".to_owned(),
        "mysql://x".to_owned(),
    ] {
        assert!(matches!(Source::open(&url).await, Err(engine::Error::Invalid { .. })), "{url}");
    }
}

async fn another_source_needs_its_own_system_name(app: App) {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, _) = document::filled(one.path(), 3).await;
    let (second, _) = document::filled(other.path(), 3).await;
    import(&app, &first).await;
    let source = Source::open(&second).await.unwrap();
    let scope = app.scope(app.organization);
    let refused = enrichment::import(&scope, &source, None, false, &Unwatched).await.unwrap_err();
    assert!(matches!(refused, engine::Error::Conflict(..)), "{refused}");
    let Outcome::Imported { .. } = import_as(&app, &second, Some("other")).await else { panic!() };
    assert_eq!(app.data("{ importJobs { totalCount } }").await["importJobs"]["totalCount"], 6);
}

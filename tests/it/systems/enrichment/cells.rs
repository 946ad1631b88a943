//! Unusual column values that the enrichment document allows.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::{App, behaviours, enrichment_source as document};

use super::import;

behaviours![
    json_null_is_null,
    rows_without_timestamp_use_the_timestamp_of_their_job,
    attempts_of_pending_source_records_are_reset,
];

async fn json_null_is_null(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 3).await;
    for sql in [
        "UPDATE records SET original_data = 'null', enriched_data = 'null', generated_content = ' null ' WHERE id = 1",
        "INSERT INTO settings (key, value, value_type) VALUES ('own', 'null', 'json')",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    import(&app, &url).await;
    let record = "{ importRecords(first: 1) { nodes { originalData enrichedData generatedContent } } \
                  settings(filter: { key: { eq: \"own\" } }) { nodes { value } } }";
    let data = app.data(record).await;
    assert_eq!(
        data["importRecords"]["nodes"][0],
        json!({ "originalData": {}, "enrichedData": null, "generatedContent": null })
    );
    assert_eq!(data["settings"]["nodes"], json!([{ "value": {} }]));
    // A repeated import changes nothing.
    for (table, (new, changed, kept)) in import(&app, &url).await {
        assert_eq!((new, changed, kept), (0, 0, 0), "{table}");
    }
}

async fn rows_without_timestamp_use_the_timestamp_of_their_job(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 3).await;
    for sql in [
        "UPDATE jobs SET created_at = '2025-05-01 10:00:00', completed_at = '2025-05-01 12:00:00'",
        "UPDATE api_usage SET created_at = NULL, cost = 50",
        "UPDATE records SET created_at = NULL",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    import(&app, &url).await;
    let data = app.data("{ importRecords(first: 50) { nodes { createdAt } } llmUsageLogs(first: 50) { nodes { createdAt } } \
        serviceUsageLogs(first: 50) { nodes { createdAt importJob { id } } } }").await;
    for list in ["importRecords", "llmUsageLogs", "serviceUsageLogs"] {
        for row in data[list]["nodes"].as_array().unwrap() {
            if row.get("importJob").is_none_or(|job| !job.is_null()) {
                assert_eq!(row["createdAt"], "2025-05-01T12:00:00Z", "{list}");
            }
        }
    }
}

async fn attempts_of_pending_source_records_are_reset(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 3).await;
    db.execute_unprepared(
        "UPDATE records SET status = 'pending', processing_attempts = 3 WHERE id = 1",
    )
    .await
    .unwrap();
    db.execute_unprepared(
        "UPDATE records SET status = 'failed', processing_attempts = 3 WHERE id = 2",
    )
    .await
    .unwrap();
    import(&app, &url).await;
    let data =
        app.data("{ importRecords(first: 2) { nodes { status processingAttempts } } }").await;
    assert_eq!(
        data["importRecords"]["nodes"],
        json!([{ "status": "PENDING", "processingAttempts": 0 }, { "status": "FAILED", "processingAttempts": 3 }])
    );
}

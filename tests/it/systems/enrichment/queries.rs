//! Example queries and views of the enrichment document, executed on the source and through GraphQL.

use sea_orm::QueryResult;
use serde_json::{Value, json};
use tests::{App, behaviours, enrichment_source as document};

use super::{import, rows};

behaviours![document_queries_match_graphql_results];

#[expect(clippy::too_many_lines, reason = "one query after another")]
async fn document_queries_match_graphql_results(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 24).await;
    import(&app, &url).await;
    let real = |row: &QueryResult, place| row.try_get_by_index::<Option<f64>>(place).unwrap();
    let text = |row: &QueryResult, place| row.try_get_by_index::<Option<String>>(place).unwrap();
    // The query "Get Job with Progress" and the view `job_summary`.
    let sql = "SELECT j.id, j.status, COUNT(r.id), SUM(CASE WHEN r.status = 'enriched' THEN 1 ELSE 0 END), \
               SUM(CASE WHEN r.status = 'failed' THEN 1 ELSE 0 END), s.progress_percentage, s.processing_time_seconds, \
               j.actual_cost FROM jobs j LEFT JOIN records r ON j.id = r.job_id JOIN job_summary s ON s.id = j.id \
               GROUP BY j.id ORDER BY j.id";
    let jobs = app
        .data(
            "{ importJobs(first: 100) { nodes { status actualCost progressPercentage processingTimeSeconds \
             importRecords { all: aggregate { count } \
             enriched: aggregate(filter: { status: { eq: ENRICHED } }) { count } \
             failed: aggregate(filter: { status: { eq: FAILED } }) { count } } } } }",
        )
        .await;
    let expected = rows(&db, sql).await;
    let jobs = jobs["importJobs"]["nodes"].as_array().unwrap().clone();
    assert_eq!((jobs.len(), expected.len()), (24, 24));
    for (job, row) in jobs.iter().zip(&expected) {
        let number = |place| row.try_get_by_index::<i64>(place).unwrap();
        let of = &job["importRecords"];
        assert_eq!(job["status"], text(row, 1).unwrap().to_uppercase());
        assert_eq!(
            (&of["all"]["count"], &of["enriched"]["count"], &of["failed"]["count"]),
            (&json!(number(2)), &json!(number(3)), &json!(number(4)))
        );
        // For an empty job, the query of the document returns null and GraphQL returns 0.
        assert_eq!(job["progressPercentage"].as_f64(), real(row, 5).or(Some(0.0)));
        assert_eq!(job["processingTimeSeconds"].as_f64(), real(row, 6));
        assert_eq!(job["actualCost"].as_f64(), real(row, 7));
    }
    // The query "Check Cache Before Enrichment".
    let now = "2026-03-01 12:00:00";
    for (key, kind) in
        [("key2", "website"), ("key3", "contact"), ("key0", "website"), ("key2", "contact")]
    {
        let sql = format!(
            "SELECT result_data FROM enrichment_cache WHERE cache_key = '{key}' AND lookup_type = '{kind}' \
             AND expires_at > '{now}' LIMIT 1"
        );
        let expected: Vec<Value> = rows(&db, &sql)
            .await
            .iter()
            .map(|row| json!({ "resultData": serde_json::from_str::<Value>(&text(row, 0).unwrap()).unwrap() }))
            .collect();
        let query = format!(
            "{{ enrichmentCacheEntries(first: 1, filter: {{ cacheKey: {{ eq: \"{key}\" }}, lookupType: {{ eq: \"{kind}\" }}, \
             expiresAt: {{ gt: \"2026-03-01T12:00:00Z\" }} }}) {{ nodes {{ resultData }} }} }}"
        );
        let told = app.data(&query).await["enrichmentCacheEntries"]["nodes"].clone();
        assert_eq!(told, json!(expected), "{key} {kind}");
    }
    // The query "Get Cost Report".
    let sql = "SELECT DATE(created_at) as date, SUM(actual_cost), COUNT(*), SUM(total_records) FROM jobs \
               WHERE status = 'completed' AND created_at >= datetime('2026-03-01 12:00:00', '-30 days') \
               GROUP BY DATE(created_at) ORDER BY date DESC";
    let report = app
        .data(
            "{ importJobs(filter: { status: { eq: COMPLETED }, createdAt: { gte: \"2026-01-30T12:00:00Z\" } }) { \
             groups(by: { createdAt: DAY }, first: 100, orderBy: { groupKey: { position: 0, direction: DESC } }) { nodes { \
             key { createdAt(bucket: DAY) } aggregate { count actualCost { sum } totalRecords { sum } } } } } \
             importCostReport(days: 30) { date dailyCost jobsProcessed recordsProcessed } }",
        )
        .await;
    let groups = report["importJobs"]["groups"]["nodes"].as_array().unwrap().clone();
    let ended = report["importCostReport"].as_array().unwrap().clone();
    let expected = rows(&db, sql).await;
    assert!(expected.len() > 3 && groups.len() == expected.len() && ended.len() == expected.len());
    for ((group, day), row) in groups.iter().zip(&ended).zip(&expected) {
        let date = text(row, 0).unwrap();
        assert!(group["key"]["createdAt"].as_str().unwrap().starts_with(&date), "{group} {date}");
        assert_eq!(group["aggregate"]["actualCost"]["sum"].as_f64(), real(row, 1));
        assert_eq!(group["aggregate"]["count"], row.try_get_by_index::<i64>(2).unwrap());
        let records = row.try_get_by_index::<i64>(3).unwrap();
        assert_eq!(group["aggregate"]["totalRecords"]["sum"].as_f64(), json!(records).as_f64());
        // All jobs were completed on the day of their creation.
        assert_eq!(
            (day["date"].as_str().unwrap(), day["dailyCost"].as_f64()),
            (&*date, real(row, 1))
        );
        assert_eq!(day["recordsProcessed"].as_f64(), json!(records).as_f64());
    }
    // The views `daily_usage` and `enrichment_success_rate`.
    let usage = app.data("{ dailyUsage { date provider calls tokens cost meanLatencyMs } }").await;
    let usage = usage["dailyUsage"].as_array().unwrap().clone();
    let expected = rows(&db, "SELECT * FROM daily_usage ORDER BY date DESC, provider").await;
    assert!(usage.len() == expected.len() && usage.len() > 10);
    for (day, row) in usage.iter().zip(&expected) {
        assert_eq!(
            (day["date"].as_str(), day["provider"].as_str()),
            (text(row, 0).as_deref(), text(row, 1).as_deref())
        );
        assert_eq!(day["calls"].as_f64(), json!(row.try_get_by_index::<i64>(2).unwrap()).as_f64());
        let tokens = row.try_get_by_index::<Option<i64>>(3).unwrap().unwrap_or_default();
        assert_eq!(day["tokens"].as_f64(), json!(tokens).as_f64());
        assert_eq!(day["cost"].as_f64(), real(row, 4));
        let latency = real(row, 5).unwrap();
        assert!((day["meanLatencyMs"].as_f64().unwrap() - latency).abs() < 1e-9);
    }
    let rate = app
        .data("{ enrichmentSuccessRate { date totalRecords successful failed successRate } }")
        .await;
    let rate = rate["enrichmentSuccessRate"].as_array().unwrap().clone();
    let expected = rows(&db, "SELECT * FROM enrichment_success_rate ORDER BY date DESC").await;
    assert!(rate.len() == expected.len() && rate.len() > 5);
    for (day, row) in rate.iter().zip(&expected) {
        let number = |place| json!(row.try_get_by_index::<i64>(place).unwrap());
        assert_eq!(day["date"].as_str(), text(row, 0).as_deref());
        let counts = [&day["totalRecords"], &day["successful"], &day["failed"]];
        assert_eq!(counts, [&number(1), &number(2), &number(3)]);
        assert_eq!(day["successRate"].as_f64(), real(row, 4));
    }
}

//! Skipped rows, and changes in the source after the first import.

use engine::progress::Unwatched;
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::systems::enrichment::{self, Outcome, Source};
use tests::{App, behaviours, enrichment_source as document};

use super::{import, import_as};

behaviours![invalid_rows_are_skipped_on_request, changed_and_deleted_source_rows_are_reported,];

async fn invalid_rows_are_skipped_on_request(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::empty(folder.path()).await;
    let long = "9".repeat(30);
    for sql in [
        "INSERT INTO jobs (id, status, input_file_path, created_at) VALUES ('good', 'completed', 'a.csv', '2026-01-01 00:00:00'), \
         ('bad', 'completed', 'b.csv', 'yesterday')".to_owned(),
        format!("INSERT INTO records (id, job_id, record_index, status, original_data, created_at) VALUES \
         (1, 'good', 0, 'enriched', '{{\"n\": {long}}}', '2026-01-01 00:00:00'), (2, 'good', 0, 'enriched', '{{}}', '2026-01-01 00:00:00'), \
         (3, 'bad', 0, 'enriched', '{{}}', '2026-01-01 00:00:00'), (4, 'good', 1, 'failed', '1e400', '2026-01-01 00:00:00')"),
        "INSERT INTO api_usage (id, provider, endpoint, job_id, cost, created_at) VALUES (1, 'p', 'e', 'good', -0.01, '2026-01-01 00:00:00'), \
         (2, 'p', 'e', 'bad', 0.5, '2026-01-01 00:00:00')".to_owned(),
        "INSERT INTO enrichment_cache (id, cache_key, lookup_type, created_at, expires_at) VALUES (1, 'k', 't', '2026-02-28 00:00:00', NULL)".to_owned(),
    ] {
        db.execute_unprepared(&sql).await.unwrap();
    }
    assert!(matches!(import_as(&app, &url, None).await, Outcome::Refused(_)));
    for expected in [2, 0] {
        let source = Source::open(&url).await.unwrap();
        let scope = app.scope(app.organization);
        let outcome = enrichment::import(&scope, &source, None, true, &Unwatched).await.unwrap();
        let Outcome::Imported { tables, skipped, inexact, .. } = outcome else {
            panic!("{outcome:?}")
        };
        let told = |findings: Vec<enrichment::Finding>| {
            let told = findings.into_iter();
            told.map(|one| {
                format!("{} {} [{}: {}]", one.place, one.reason, one.rows, one.examples.join(" "))
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(
            told(skipped),
            [
                "api_usage.cost is not between 0 and 1000000 US dollars [1: 1]",
                "jobs.created_at is not a timestamp [1: bad]",
                "records.job_id references a missing row of jobs [1: 3]",
                "records.job_id, record_index is a duplicate [1: 2]",
            ]
        );
        assert_eq!(
            told(inexact),
            [
                "records.original_data has numbers beyond 64 bits or with more than 17 digits, which are rounded [1: 1]",
                "records.original_data is JSON that is nested deeper than 127 levels, or has a number beyond 1e308; stored as text [1: 4]",
            ]
        );
        let records = tables.iter().find(|table| table.table == "records").unwrap();
        assert_eq!((records.new, records.changed), (expected, 0));
    }
    // Usage logs remain after their job is deleted. The TTL of cache entries comes from the settings of the source.
    let data = app
        .data("{ serviceUsageLogs { nodes { cost importJob { id } } } enrichmentCacheEntries { nodes { expiresAt } } }")
        .await;
    assert_eq!(
        data,
        json!({ "serviceUsageLogs": { "nodes": [{ "cost": 0.5, "importJob": null }] },
            "enrichmentCacheEntries": { "nodes": [{ "expiresAt": "2026-03-14T00:00:00Z" }] } })
    );
}

async fn changed_and_deleted_source_rows_are_reported(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let (url, db) = document::filled(folder.path(), 6).await;
    import(&app, &url).await;
    for sql in [
        "UPDATE jobs SET input_file_path = '/new/other.csv', user_id = 'grace' WHERE id = 'job0001'",
        "UPDATE enrichment_cache SET expires_at = '2027-01-01 00:00:00' WHERE id = 1",
        "DELETE FROM records WHERE id = 1",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    let Outcome::Imported { tables, .. } = import_as(&app, &url, None).await else { panic!() };
    let of = |name: &str| tables.iter().find(|table| table.table == name).unwrap();
    assert_eq!((of("jobs").changed, of("enrichment_cache").changed), (1, 1));
    assert_eq!((of("records").deleted, of("jobs").deleted), (1, 0));
    let job = app.data("{ importJob(id: 2) { name committedBy inputFilePath metadata } }").await;
    let job = &job["importJob"];
    assert_eq!((&job["name"], &job["committedBy"]), (&json!("other.csv"), &json!("person/grace")));
    let cache = app.data("{ enrichmentCacheEntry(id: 1) { expiresAt } }").await;
    assert_eq!(cache["enrichmentCacheEntry"]["expiresAt"], "2027-01-01T00:00:00Z");
}

//! Interrupted and repeated data migrations.

use engine::{
    Error,
    progress::{Progress, Unwatched},
};
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::systems::sales_assistant::Options;
use tests::{App, Engine, behaviours, sales_assistant::SourceDatabase};

use super::{EVERYTHING, bring, expected, import, refused, rows};

behaviours![
    second_run_migrates_only_new_rows,
    interrupted_run_is_resumed,
    chunks_are_atomic,
    late_rows_are_migrated,
    locally_deleted_rows_stay_deleted,
    runs_of_an_earlier_version_are_resumed,
    many_rows_are_migrated_in_chunks,
];

/// Adds rows to the usage log of the source.
async fn more_usage(source: &SourceDatabase, rows: u32) {
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    );
    source
        .run(&format!(
            "INSERT INTO llm_usage_logs {numbers} SELECT 100 + i, 'w', 'n', 'm', i, 0, i, 1, 0.5, '2025-01-02 03:04:05', \
             '2025-01-02 03:04:05' FROM n"
        ))
        .await;
}

/// Interrupts the run after `left` rows have been written.
struct BreakOff {
    left: std::sync::atomic::AtomicI64,
    writes: std::sync::atomic::AtomicBool,
}

impl Progress for BreakOff {
    fn begin(&self, step: &str, _rows: Option<u64>) {
        let writes = !step.starts_with("validate");
        self.writes.store(writes, std::sync::atomic::Ordering::Relaxed);
    }
    fn advance(&self, rows: u64) {
        if self.writes.load(std::sync::atomic::Ordering::Relaxed) {
            let rows = i64::try_from(rows).unwrap();
            let left = self.left.fetch_sub(rows, std::sync::atomic::Ordering::Relaxed) - rows;
            assert!(left > 0, "interrupted");
        }
    }
    fn finish(&self) {}
}

async fn second_run_migrates_only_new_rows(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    bring(&app, &source, &Options::default()).await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 0);
    assert_eq!(app.data(EVERYTHING).await, expected());
    source.run("UPDATE prospects SET full_name = 'Changed' WHERE id = 101").await;
    source.run("INSERT INTO industries VALUES (8, 'New', '2025-01-02 03:04:05', '2025-01-02 03:04:05')").await;
    source.run("INSERT INTO industry_solutions VALUES (8, 5, '2025-01-02 03:04:05', '2025-01-02 03:04:05')").await;
    source.run("UPDATE alembic_version SET version_num = 'next'").await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 3);
    let data = app.data("{ schemaVersion prospect(id: 101) { fullName } industry(id: 8) { solutions { totalCount } } }").await;
    assert_eq!(
        data,
        json!({ "schemaVersion": "next", "prospect": { "fullName": "Ada Lovelace" },
        "industry": { "solutions": { "totalCount": 1 } } })
    );
}

async fn interrupted_run_is_resumed(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    more_usage(&source, 5_001).await;
    for rows in [1, 3, 5, 14, 1_000] {
        let scope = app.scope(app.organization);
        let url = source.url.clone();
        let run = async move {
            let breaking = BreakOff { left: rows.into(), writes: false.into() };
            import(&scope, &url, &Options::default(), &breaking).await.map(|_| ())
        };
        let ended = tokio::task::LocalSet::new()
            .run_until(async { tokio::task::spawn_local(run).await })
            .await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
    let count = "{ llmUsageLogs { totalCount } }";
    assert_eq!(app.data(count).await["llmUsageLogs"]["totalCount"], 4_000, "two of three chunks");
    bring(&app, &source, &Options::default()).await;
    assert_eq!(app.data(count).await["llmUsageLogs"]["totalCount"], 5_002);
    let first = EVERYTHING.replace("llmUsageLogs {", "llmUsageLogs(first: 1) {");
    assert_eq!(app.data(&first).await, expected());
}

async fn chunks_are_atomic(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    more_usage(&source, 2_500).await;
    // The trigger prevents the migration from saving the progress of the table for the second chunk.
    let trigger = match app.engine {
        Engine::Sqlite => {
            "CREATE TRIGGER stop BEFORE UPDATE ON source_import_tables WHEN OLD.table_name = 'llm_usage_logs' \
             BEGIN SELECT RAISE(ABORT, 'stopped'); END"
        }
        Engine::Postgres => {
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped'; END $$; \
             CREATE TRIGGER stop BEFORE UPDATE ON source_import_tables FOR EACH ROW \
             WHEN (OLD.table_name = 'llm_usage_logs') EXECUTE FUNCTION stop()"
        }
    };
    app.db.execute_unprepared(trigger).await.unwrap();
    let stopped =
        import(&app.scope(app.organization), &source.url, &Options::default(), &Unwatched).await;
    assert!(matches!(stopped, Err(Error::Internal(_))), "{stopped:?}");
    let count = "{ llmUsageLogs { totalCount } }";
    assert_eq!(app.data(count).await["llmUsageLogs"]["totalCount"], 2_000);
    let drop = match app.engine {
        Engine::Sqlite => "DROP TRIGGER stop",
        Engine::Postgres => "DROP TRIGGER stop ON source_import_tables",
    };
    app.db.execute_unprepared(drop).await.unwrap();
    bring(&app, &source, &Options::default()).await;
    assert_eq!(app.data(count).await["llmUsageLogs"]["totalCount"], 2_501);
}

const LATE: &str =
    "INSERT INTO industries VALUES (5, 'Late', '2025-01-02 03:04:05', '2025-01-02 03:04:05')";

/// In Postgres, rows may be committed in a different order than their sequence values, so a row can appear below the
/// last imported primary key. Another row is deleted here, so that the row counts do not reveal the late row.
async fn late_rows_are_migrated(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    bring(&app, &source, &Options::default()).await;
    source.run(LATE).await;
    source.run("DELETE FROM llm_usage_logs").await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 1);
    let industry = app.data("{ industry(id: 5) { name } industries { totalCount } }").await;
    assert_eq!(
        industry,
        json!({ "industry": { "name": "Late" }, "industries": { "totalCount": 3 } })
    );
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 0);
    // The error names the late row, and nothing is written. Only SQLite accepts such a row.
    if app.engine == Engine::Sqlite {
        source.run("INSERT INTO industries VALUES (4, '', 'never', '2025-01-02 03:04:05')").await;
        let findings = refused(&app, &source).await;
        assert!(findings[0].starts_with("industries.created_at"), "{findings:?}");
    }
}

async fn locally_deleted_rows_stay_deleted(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    bring(&app, &source, &Options::default()).await;
    app.done("mutation { eraseProspect(input: { id: 101 }) { userErrors { message } } }").await;
    // The row stays deleted even after its change log entry has expired.
    app.db.execute_unprepared("DELETE FROM changes").await.unwrap();
    source.run(LATE).await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 1);
    let gone = app.data("{ prospect(id: 101) { id } }").await;
    assert_eq!(gone, json!({ "prospect": null }));
}

/// Earlier versions stored only the last imported primary key of each table.
async fn runs_of_an_earlier_version_are_resumed(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    bring(&app, &source, &Options::default()).await;
    app.db.execute_unprepared("DELETE FROM source_import_keys").await.unwrap();
    app.done("mutation { eraseProspect(input: { id: 101 }) { userErrors { message } } }").await;
    source.run(LATE).await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 1);
    let data = app.data("{ prospect(id: 101) { id } industry(id: 5) { name } }").await;
    assert_eq!(data, json!({ "prospect": null, "industry": { "name": "Late" } }));
    app.db.execute_unprepared("DELETE FROM changes").await.unwrap();
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 0);
}

async fn many_rows_are_migrated_in_chunks(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    more_usage(&source, 5_001).await;
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 16 + 5_001);
    let data = app.data("{ llmUsageLogs(last: 1) { totalCount nodes { id promptTokens } } }").await;
    assert_eq!(
        data["llmUsageLogs"],
        json!({ "totalCount": 5_002, "nodes": [{ "id": "LlmUsageLog:5101", "promptTokens": 5001 }] })
    );
    let noted = "SELECT rows_written FROM source_import_tables WHERE table_name = 'llm_usage_logs'";
    let backend = app.db.get_database_backend();
    let row = app
        .db
        .query_one_raw(sea_orm::Statement::from_string(backend, noted))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 5_002);
}

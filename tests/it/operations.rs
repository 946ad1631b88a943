//! Database operations: backup, restore, maintenance, export and statistics.

use std::{collections::BTreeMap, path::PathBuf};

use engine::{Actor, Error, Store, change_log::ChangeStream, progress::Unwatched};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::json;
use service::{
    crm::prospect,
    demo,
    operations::{
        backup::backup, export, maintenance, restore::restore, statistics::statistics, table_names,
    },
};
use tests::{App, Engine, behaviours, database::TestDatabase};

behaviours![
    backup_is_complete_and_restores_on_both_engines,
    backup_is_a_consistent_snapshot,
    backup_does_not_overwrite_files,
    invalid_backup_files_are_rejected,
    restore_is_rejected_while_a_server_is_running,
    subscribers_miss_no_changes_after_a_restore,
    leftovers_of_an_interrupted_restore_are_ignored,
    check_passes_on_a_consistent_database,
    check_reports_inconsistencies,
    export_contains_every_row_of_the_organization,
    statistics_count_rows_of_the_organization,
];

/// Every row of every table as text, in the same order on both engines.
async fn rows(db: &DatabaseConnection, tables: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in tables {
        all.insert((*table).to_owned(), rows_of(db, table, "*").await);
    }
    all
}

pub async fn rows_of(db: &DatabaseConnection, table: &str, columns: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM \"{table}\"");
    let backend = db.get_database_backend();
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            // The column order may differ, because SQLite migrations append columns.
            let mut names = row.column_names();
            names.sort_unstable();
            names.iter().map(|name| cell(row, name)).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// A cell value, formatted the same way on both engines.
fn cell(row: &sea_orm::QueryResult, name: &str) -> String {
    use chrono::{DateTime, Utc};
    fn text<T: sea_orm::TryGetable + std::fmt::Debug>(
        row: &sea_orm::QueryResult,
        name: &str,
    ) -> Option<String> {
        row.try_get::<Option<T>>("", name).ok().map(|value| format!("{value:?}"))
    }
    let value = match () {
        () if name.starts_with("is_") || name == "onboarding_completed" => text::<bool>(row, name),
        () if name.ends_with("_at")
            || name.ends_with("_date")
            || ["scheduled_for", "last_signed_in"].contains(&name) =>
        {
            text::<DateTime<Utc>>(row, name)
        }
        () => None,
    };
    let value = value.or_else(|| text::<i64>(row, name)).or_else(|| text::<i32>(row, name));
    let value = value.or_else(|| text::<f64>(row, name));
    // Notes are JSON in a text column, which only Postgres distinguishes from a JSON column.
    let note = || {
        let text = row.try_get::<Option<String>>("", name).ok()??;
        serde_json::from_str::<serde_json::Value>(&text).ok().filter(serde_json::Value::is_array)
    };
    let value = value.or_else(|| note().map(|value| format!("{:?}", Some(value))));
    let value = value.or_else(|| text::<serde_json::Value>(row, name));
    let value = value.or_else(|| text::<String>(row, name));
    format!("{name}={}", value.unwrap_or_else(|| panic!("{name} can't be read")))
}

/// All tables except `change_log`, which contains the state of the change log and is advanced by a restore.
fn tables() -> Vec<&'static str> {
    table_names().into_iter().filter(|name| *name != "change_log").collect()
}

async fn filled(app: &App) {
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    // Adds forward references and rows in the remaining tables.
    app.done(r#"mutation { createIndustry(input: { name: "Zoos", idempotencyKey: "k" }) { userErrors { code } } }"#).await;
    app.done(
        "mutation { mergeProspects(input: { keepId: 9, dropId: 3 }) { userErrors { code } } }",
    )
    .await;
    let sql = format!("INSERT INTO alembic_version VALUES ({}, 'abc123')", app.organization);
    app.db.execute_unprepared(&sql).await.unwrap();
    let new = service::identity::api_key::NewKey {
        name: "k".to_owned(),
        role: engine::Role::Owner,
        worker: false,
        user: "o@example.com".to_owned(),
        is_owner: true,
        expires_at: None,
    };
    service::identity::api_key::create(&app.scope(app.organization), new).await.unwrap();
    app.db.execute_unprepared("UPDATE organizations SET owner_user_id = 1").await.unwrap();
}

fn file(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

async fn backup_is_complete_and_restores_on_both_engines(app: App) {
    filled(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder, "copy.db");
    let bytes = backup(&app.store, &copy, &Unwatched).await.unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), bytes);
    let expected = rows(&app.db, &tables()).await;
    assert!(expected["prospects"].len() == 2_000 && !expected["idempotency_keys"].is_empty());
    let mut engines = vec![Engine::Sqlite];
    engines.extend(tests::database::postgres().map(|_| Engine::Postgres));
    for engine in engines {
        let target = TestDatabase::empty(engine).await;
        restore(&target.url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap();
        let db = Database::connect(&target.url).await.unwrap();
        let restored = rows(&db, &tables()).await;
        for (table, rows) in &expected {
            assert_eq!(restored[table], *rows, "{table} {engine:?}");
        }
        // Primary key sequences continue after a restore, and idempotency keys still prevent repeated writes.
        let store = Store::connect(&target.url).await.unwrap();
        engine::change_log::open(&store).await.unwrap();
        let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
        let scope = engine::Scope::new(
            store.clone(),
            app.organization,
            engine::Actor::LocalUser,
            engine::Role::Owner,
            clock,
        );
        // Rows that are hidden with another row are in the search index, too.
        let search = "{ search(query: \"budget\") { totalCount counts { type count } } }";
        let request = async_graphql::Request::new(search).data(scope.clone());
        let found = api::schema::build().execute(request).await;
        let found: serde_json::Value =
            serde_json::from_str(&graph::json_text::response(&found)).unwrap();
        let expected = app.data(search).await;
        assert!(expected["search"]["totalCount"].as_i64().unwrap() > 0, "{expected}");
        assert_eq!(found["data"], expected, "{engine:?}");
        let create = r#"mutation { createIndustry(input: { name: "Zoos", idempotencyKey: "k" }) { industry { id } }
            other: createIndustry(input: { name: "Banks" }) { industry { id name } userErrors { message } } }"#;
        let request = async_graphql::Request::new(create).data(scope);
        let answer = api::schema::build().execute(request).await;
        let answer: serde_json::Value =
            serde_json::from_str(&graph::json_text::response(&answer)).unwrap();
        let known =
            app.data(r#"{ industries(filter: { name: { eq: "zoos" } }) { nodes { id } } }"#).await;
        assert_eq!(answer["data"]["createIndustry"]["industry"], known["industries"]["nodes"][0]);
        assert_eq!(answer["data"]["other"]["industry"]["name"], "Banks", "{answer}");
        assert_eq!(maintenance::check(&store).await.unwrap(), Vec::<String>::new());
    }
}

async fn backup_is_a_consistent_snapshot(app: App) {
    filled(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let writing = async {
        for number in 0..60 {
            app.done(&format!("mutation {{ createIndustry(input: {{ name: \"N{number}\" }}) {{ userErrors {{ code }} }} }}")).await;
        }
    };
    let copies = async {
        for number in 0..3 {
            backup(&app.store, &file(&folder, &format!("{number}.db")), &Unwatched).await.unwrap();
        }
    };
    futures_util::join!(writing, copies);
    for number in 0..3 {
        let url = format!("sqlite:{}", file(&folder, &format!("{number}.db")).display());
        let db = Database::connect(url).await.unwrap();
        let sql = "SELECT (SELECT count(*) FROM industries WHERE name LIKE 'N%'), (SELECT count(*) FROM changes WHERE entity = 'industry' AND kind = 'created' AND json_extract(after, '$.name') LIKE 'N%')";
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
            .await
            .unwrap()
            .unwrap();
        let count = |index| row.try_get_by_index::<i64>(index).unwrap();
        assert_eq!(count(0), count(1), "row and change log entry should share a snapshot");
    }
}

async fn backup_does_not_overwrite_files(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder, "copy.db");
    std::fs::write(&copy, "mine").unwrap();
    let refused = backup(&app.store, &copy, &Unwatched).await.unwrap_err();
    assert!(refused.to_string().ends_with("already exists"), "{refused}");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "mine");
    let nowhere = folder.path().join("no/such/folder.db");
    assert!(backup(&app.store, &nowhere, &Unwatched).await.is_err());
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 1, "no partial file should be left: {left:?}");
}

async fn invalid_backup_files_are_rejected(app: App) {
    filled(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let good = file(&folder, "good.db");
    backup(&app.store, &good, &Unwatched).await.unwrap();
    let (text, empty, cut, torn) = (
        file(&folder, "text"),
        file(&folder, "empty"),
        file(&folder, "cut"),
        file(&folder, "torn"),
    );
    std::fs::write(&text, "not a database").unwrap();
    std::fs::write(&empty, "").unwrap();
    let mut bytes = std::fs::read(&good).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40_000].fill(0x5a);
    std::fs::write(&torn, &bytes).unwrap();
    let target = TestDatabase::empty(Engine::Sqlite).await;
    for path in [&text, &empty, &cut, &torn, &file(&folder, "none")] {
        let refused = restore(&target.url, path, app.clock.as_ref(), &Unwatched).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("is not a valid backup") || refused.contains("file not found"),
            "{refused}"
        );
    }
    assert!(!std::path::Path::new(target.url.trim_start_matches("sqlite:")).exists());
}

async fn restore_is_rejected_while_a_server_is_running(app: App) {
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder, "copy.db");
    backup(&app.store, &copy, &Unwatched).await.unwrap();
    let refused = restore(&app.url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap_err();
    assert!(matches!(refused, engine::Error::Conflict(..)), "{refused}");
    let App { store, db, url, clock, engine, accounts, .. } = app;
    drop(accounts);
    store.close().await.unwrap();
    db.close().await.unwrap();
    if engine == Engine::Sqlite {
        let kept = restore(&url, &copy, clock.as_ref(), &Unwatched).await.unwrap().unwrap();
        assert!(kept.exists(), "the previous database should still exist");
    }
}

async fn subscribers_miss_no_changes_after_a_restore(app: App) {
    use futures_util::StreamExt;
    app.done(r#"mutation { createIndustry(input: { name: "Before" }) { userErrors { code } } }"#)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder, "copy.db");
    backup(&app.store, &copy, &Unwatched).await.unwrap();
    for number in 0..5 {
        app.done(&format!("mutation {{ createIndustry(input: {{ name: \"Lost {number}\" }}) {{ userErrors {{ code }} }} }}")).await;
    }
    let seen = app.data("{ changes(last: 1) { nodes { cursor } } }").await;
    let seen = seen["changes"]["nodes"][0]["cursor"].clone();
    let target = TestDatabase::empty(Engine::Sqlite).await;
    restore(&target.url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap();
    let store = Store::connect(&target.url).await.unwrap();
    engine::change_log::open(&store).await.unwrap();
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let scope = engine::Scope::new(
        store.clone(),
        app.organization,
        engine::Actor::LocalUser,
        engine::Role::Owner,
        clock,
    );
    for number in 0..3 {
        let create = format!(
            "mutation {{ createIndustry(input: {{ name: \"New {number}\" }}) {{ userErrors {{ code }} }} }}"
        );
        let request = async_graphql::Request::new(create).data(scope.clone());
        assert!(api::schema::build().execute(request).await.errors.is_empty());
    }
    let follow = format!(
        "subscription {{ changes(after: {seen}) {{ change {{ fields {{ name after }} }} }} }}"
    );
    let request = async_graphql::Request::new(follow).data(scope).data(ChangeStream::new(store));
    let mut events = api::schema::build().execute_stream(request);
    for number in 0..3 {
        let event = graph::json_text::response(&events.next().await.unwrap());
        assert!(event.contains(&format!("New {number}")), "{event}");
    }
}

async fn leftovers_of_an_interrupted_restore_are_ignored(app: App) {
    app.world().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = file(&folder, "copy.db");
    backup(&app.store, &copy, &Unwatched).await.unwrap();
    let target = file(&folder, "target.db");
    for left in ["target.db.restoring", "target.db.restoring-wal", "target.db.restoring-shm"] {
        std::fs::write(file(&folder, left), "left behind").unwrap();
    }
    let url = format!("sqlite:{}", target.display());
    restore(&url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap();
    let db = Database::connect(&url).await.unwrap();
    assert_eq!(rows_of(&db, "companies", "name").await.len(), 2);
    // A WAL file means that the database is in use and that the database file alone is incomplete.
    std::fs::write(file(&folder, "copy.db-wal"), "a log").unwrap();
    let refused = restore(&url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap_err();
    assert!(refused.to_string().contains("the file is an open database"), "{refused}");
}

async fn check_passes_on_a_consistent_database(app: App) {
    filled(&app).await;
    assert_eq!(maintenance::check(&app.store).await.unwrap(), Vec::<String>::new());
    maintenance::vacuum(&app.store).await.unwrap();
    maintenance::analyze(&app.store).await.unwrap();
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 1_999);
}

async fn check_reports_inconsistencies(app: App) {
    if app.engine == Engine::Postgres {
        let sql = "ALTER TABLE companies DROP CONSTRAINT fk_companies_industry_id; \
                   ALTER TABLE companies ADD CONSTRAINT fk_companies_industry_id FOREIGN KEY \
                   (industry_id) REFERENCES industries (id) NOT VALID";
        app.db.execute_unprepared(sql).await.unwrap();
        let problems = maintenance::check(&app.store).await.unwrap();
        assert_eq!(problems, ["the constraint fk_companies_industry_id is not valid"]);
        return;
    }
    app.world().await;
    let sql =
        "PRAGMA foreign_keys = OFF; DELETE FROM industries WHERE id = 1; PRAGMA foreign_keys = ON";
    app.db.execute_unprepared(sql).await.unwrap();
    let problems = maintenance::check(&app.store).await.unwrap();
    assert!(problems[0].contains("references a missing row of industries"), "{problems:?}");
}

async fn export_contains_every_row_of_the_organization(app: App) {
    app.world().await;
    let stranger = app.organization("stranger").await;
    app.industry_of(stranger, "Theirs").await;
    app.done("mutation { deleteProspect(input: { id: 2 }) { userErrors { code } } }").await;
    let mut names = Vec::new();
    let table = service::crm::prospect::table();
    let scope = app.scope(app.organization);
    let count = export::export(&scope, table, |row| {
        names.push((
            row.text(service::crm::prospect::Column::FullName).to_owned(),
            row.is_deleted(),
        ));
        Ok(())
    })
    .await
    .unwrap();
    let expected = [("Ada", false), ("bob", true), ("Cleo", false), ("Dan", false)];
    assert_eq!(count, 4);
    assert_eq!(names, expected.map(|(name, deleted)| (name.to_owned(), deleted)));
    let count = export::export(&app.scope(stranger), table, |_| Ok(())).await.unwrap();
    assert_eq!(count, 0);
}

async fn statistics_count_rows_of_the_organization(app: App) {
    app.world().await;
    let query = "{ databaseStatistics { engine sizeBytes tables { name rows } } }";
    let told = app.data(query).await["databaseStatistics"].clone();
    assert!(told["sizeBytes"].as_f64().unwrap() > 10_000.0, "{told}");
    assert!(told["engine"].as_str().unwrap().contains("QL"), "{told}");
    assert!(
        told["tables"].as_array().unwrap().contains(&json!({ "name": "prospects", "rows": 4.0 }))
    );
    let by_key = Actor::Person("Ada".to_owned());
    let alone = app.scope(app.organization).acting(by_key.clone());
    assert!(statistics(&alone, &[prospect::table()]).await.unwrap().bytes > 10_000);
    let stranger = app.organization("stranger").await;
    // Only the operator can see the size of the data of other organizations.
    let scope = app.scope(app.organization).acting(by_key);
    let refused = statistics(&scope, &[]).await.unwrap_err();
    assert!(matches!(refused, Error::OperatorOnly("databaseStatistics")), "{refused}");
    let told = app.answer_to(stranger, query, json!({})).await;
    let tables = &told["data"]["databaseStatistics"]["tables"];
    assert!(
        tables.as_array().unwrap().contains(&json!({ "name": "prospects", "rows": 0.0 })),
        "{told}"
    );
}

//! Upgrades of a database from an earlier version.

use std::collections::BTreeMap;

use engine::{Clock, Role, Store};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, Statement};
use service::{identity::api_key_cache::ApiKeyCache, operations::maintenance};
use tests::{App, Engine, behaviours, database::TestDatabase};

use crate::{access::key, operations::rows_of};

behaviours![
    upgrade_from_the_first_version_preserves_all_data,
    upgrade_marks_all_but_the_oldest_duplicate,
    upgrade_reindexes_names_without_accents,
    stored_words_entries_and_sentences_of_the_version_before_are_readable,
    roles_become_memberships_and_keys_keep_working,
];

/// Rows for the tables of the first version. They have a value in every column and contain special characters.
const FIRST: &[&str] = &[
    "INSERT INTO organizations VALUES (1, 'Größe & Söhne', 'default', @, @), (2, 'Other', 'other', @, @)",
    "INSERT INTO industries VALUES (1, 1, 'Logistics', 3, @, @), (7, 2, 'zoos 🦓', 1, @, @)",
    "INSERT INTO solutions VALUES (1, 1, 'Radar', 'c', 'd', '[\"a\"]', '{\"k\": [1, null, \"ü\"]}', 'p', 2, @, @), (2, 1, 'Plan', 'c', 'd', NULL, NULL, 'p', 1, @, @)",
    "INSERT INTO industry_solutions VALUES (1, 1, @, @)",
    "INSERT INTO events VALUES (1, 1, 'fair', @, 'd', 'Berlin', '[1]', NULL, NULL, 'planned', 1, @, @)",
    "INSERT INTO companies VALUES (1, 1, 'Acme', 1, '1-10', 'https://acme.example', 'acme.example', NULL, 1, @, @), (2, 1, 'Gone', 1, '?', NULL, NULL, @, 4, @, @)",
    "INSERT INTO prospects VALUES (1, 1, 'Ada', 'ada%acme.example', NULL, 'London', 1, @, TRUE, NULL, 1, @, @), (2, 1, 'Bob', 'b%acme.example', 'l', NULL, 2, NULL, FALSE, @, 2, @, @)",
    "INSERT INTO prospect_research VALUES (1, 1, 1, 'x', '{\"a\": 1.5}', NULL, 0.25, 1, @, @)",
    "INSERT INTO interactions VALUES (1, 1, 1, 1, 'mail', @, 's', 'c''c', 'good', NULL, 1, @, @)",
    "INSERT INTO outreach_drafts VALUES (1, 1, 1, NULL, 'initial', 'Dear you,', 'draft', 1, @, @), (2, 1, 2, 1, 'x', 'y', 'sent', 2, @, @)",
    "INSERT INTO llm_usage_logs VALUES (1, 1, 'w', 'n', 'm', 1, 2, 3, 4, 0.000001, @, @)",
    "INSERT INTO alembic_version VALUES (1, '1975ea83b712')",
];

async fn upgrade_from_the_first_version_preserves_all_data(app: App) {
    let database = TestDatabase::empty(app.engine).await;
    let store = Store::connect(&database.url).await.unwrap();
    let db = Database::connect(&database.url).await.unwrap();
    Migrator::up(&db, Some(6)).await.unwrap();
    let time = match app.engine {
        Engine::Sqlite => "'2025-12-31T23:59:59.123456+00:00'",
        Engine::Postgres => "'2025-12-31T23:59:59.123456+00:00'::timestamptz",
    };
    let mut before = BTreeMap::new();
    for insert in FIRST {
        let sql = insert.replace('@', time);
        db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    }
    for insert in FIRST {
        let table = insert.split(' ').nth(2).unwrap();
        let sql = format!("SELECT * FROM \"{table}\" LIMIT 1");
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        let columns = row.unwrap().unwrap().column_names();
        let columns: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        let columns = columns.join(", ");
        before.insert(table, (rows_of(&db, table, &columns).await, columns));
    }
    db.close().await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    let db = Database::connect(&database.url).await.unwrap();
    for (table, (rows, columns)) in &before {
        assert!(!rows.is_empty());
        assert_eq!(rows_of(&db, table, columns).await, *rows, "{table}");
    }
    assert_eq!(maintenance::check(&store).await.unwrap(), Vec::<String>::new());
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let scope = engine::Scope::new(store, 1, engine::Actor::LocalUser, engine::Role::Owner, clock);
    let query = "{ prospects { nodes { fullName lifecycleStage company { name } outreachDrafts { nodes { content availableActions } } } } schemaVersion }";
    let answer = api::schema::build().execute(async_graphql::Request::new(query).data(scope)).await;
    let answer: serde_json::Value =
        serde_json::from_str(&graph::json_text::response(&answer)).unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(answer["data"]["prospects"]["nodes"][0]["company"]["name"], "Acme");
    assert_eq!(answer["data"]["schemaVersion"], "1975ea83b712");
}

/// Before the 24th migration, values could be repeated.
async fn upgrade_marks_all_but_the_oldest_duplicate(app: App) {
    let database = TestDatabase::empty(app.engine).await;
    let store = Store::connect(&database.url).await.unwrap();
    let db = Database::connect(&database.url).await.unwrap();
    Migrator::up(&db, Some(23)).await.unwrap();
    let time = match app.engine {
        Engine::Sqlite => "'2025-12-31T23:59:59.123456+00:00'",
        Engine::Postgres => "'2025-12-31T23:59:59.123456+00:00'::timestamptz",
    };
    // Prospect 7 was written by a version without comparison columns; 4 and 5 are deleted and of another organization.
    for sql in [
        "INSERT INTO organizations (id, name, slug, created_at, updated_at) VALUES (1, 'One', 'one', @, @), (2, 'Two', 'two', @, @)",
        "INSERT INTO industries (id, organization_id, name, name_key, revision, created_at, updated_at) VALUES \
         (1, 1, 'Logistics', 'logistics', 1, @, @), (2, 1, 'LOGISTICS', 'logistics', 1, @, @), (3, 2, 'Logistics', 'logistics', 1, @, @)",
        "INSERT INTO companies (id, organization_id, name, name_key, industry_id, size, website, domain, revision, created_at, updated_at) VALUES \
         (1, 1, 'A', 'a', 1, '1', NULL, NULL, 1, @, @), (2, 1, 'B', 'b', 1, '1', NULL, NULL, 1, @, @), \
         (3, 1, 'C', 'c', 1, '1', 'https://c.example', 'c.example', 1, @, @), (4, 1, 'D', 'd', 1, '1', 'https://c.example', 'c.example', 1, @, @), \
         (5, 2, 'E', 'e', 3, '1', 'https://c.example', 'c.example', 1, @, @)",
        "INSERT INTO prospects (id, organization_id, full_name, email, email_key, company_id, is_active, lifecycle_stage, revision, \
         deleted_at, created_at, updated_at) VALUES \
         (1, 1, 'P', 'p%x.example', 'p@x.example', 1, TRUE, 'new', 1, @, @, @), \
         (2, 1, 'P', 'p%x.example', 'p@x.example', 1, TRUE, 'new', 1, NULL, @, @), \
         (3, 1, 'P', 'P%x.example', 'p@x.example', 1, TRUE, 'new', 1, NULL, @, @), \
         (4, 1, 'P', 'p%x.example', 'p@x.example', 1, TRUE, 'new', 1, @, @, @), \
         (5, 2, 'P', 'p%x.example', 'p@x.example', 5, TRUE, 'new', 1, NULL, @, @), \
         (6, 1, 'Q', 'q%x.example', 'q@x.example', 1, TRUE, 'new', 1, NULL, @, @), \
         (7, 1, 'Q', 'Q%X.example', NULL, 1, TRUE, 'new', 1, NULL, @, @), \
         (8, 1, 'R', 'r%x.example', NULL, 1, TRUE, 'new', 1, NULL, @, @), \
         (9, 1, 'R', 'R%x.example', NULL, 1, TRUE, 'new', 1, NULL, @, @)",
    ] {
        let sql = sql.replace("p@", "p%").replace("q@", "q%").replace('@', time).replace('%', "@");
        db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    }
    db.close().await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    let db = Database::connect(&database.url).await.unwrap();
    let marks = async |table: &str| {
        let sql = format!(
            "SELECT id, duplicate_of FROM {table} WHERE duplicate_of IS NOT NULL ORDER BY id"
        );
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        let pair = |row: &sea_orm::QueryResult| {
            (row.try_get_by_index::<i64>(0).unwrap(), row.try_get_by_index::<i64>(1).unwrap())
        };
        rows.unwrap().iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(marks("industries").await, [(2, 1)]);
    assert_eq!(marks("companies").await, [(4, 3)]);
    assert_eq!(marks("prospects").await, [(3, 2), (7, 6), (9, 8)]);
    let listed = service::operations::duplicates::duplicates(&store).await.unwrap();
    let listed: Vec<_> =
        listed.iter().map(|group| (group.table, group.column, group.rows.clone())).collect();
    assert_eq!(
        listed,
        [
            ("prospects", "email", vec![2, 3]),
            ("prospects", "email", vec![6, 7]),
            ("prospects", "email", vec![8, 9]),
            ("companies", "domain", vec![3, 4]),
            ("industries", "name", vec![1, 2]),
        ]
    );
    assert_eq!(maintenance::check(&store).await.unwrap(), Vec::<String>::new());
    Migrator::down(&db, Some(1)).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    assert_eq!(marks("prospects").await, [(3, 2), (7, 6), (9, 8)]);
}

/// Before the 17th migration, the SQLite search index contained Cyrillic and Greek letters with their accents.
async fn upgrade_reindexes_names_without_accents(app: App) {
    if app.engine == Engine::Postgres {
        return;
    }
    let database = TestDatabase::empty(app.engine).await;
    let store = Store::connect(&database.url).await.unwrap();
    let db = Database::connect(&database.url).await.unwrap();
    Migrator::up(&db, Some(6)).await.unwrap();
    for insert in &FIRST[..2] {
        let time = "'2025-12-31T23:59:59.123456+00:00'";
        db.execute_unprepared(&insert.replace('@', time)).await.unwrap();
    }
    Migrator::up(&db, Some(10)).await.unwrap();
    // Updates the search index in the same way as the triggers of that version.
    db.execute_unprepared("UPDATE industries SET name = 'Ёлки' WHERE id = 1").await.unwrap();
    db.execute_unprepared(
        "DELETE FROM search_documents WHERE rowid = 18; \
         INSERT INTO search_documents (rowid, scope, title, body) VALUES (18, 'o1t2', 'Ёлки', '')",
    )
    .await
    .unwrap();
    db.close().await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let scope = engine::Scope::new(store, 1, engine::Actor::LocalUser, engine::Role::Owner, clock);
    for query in ["елки", "Ёлки"] {
        let query = format!("{{ search(query: \"{query}\") {{ totalCount }} }}");
        let request = async_graphql::Request::new(query).data(scope.clone());
        let answer = api::schema::build().execute(request).await;
        let answer: serde_json::Value =
            serde_json::from_str(&graph::json_text::response(&answer)).unwrap();
        assert_eq!(answer["data"]["search"]["totalCount"], 1, "{answer}");
    }
}

/// API names changed, but stored values did not: rows, change log entries and messages stored by the previous version
/// are returned with the new names.
async fn stored_words_entries_and_sentences_of_the_version_before_are_readable(app: App) {
    app.world().await;
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { location: "Oslo" } }) { userErrors { message } } }"#)
        .await;
    let time = match app.engine {
        Engine::Sqlite => "'2025-12-31T23:59:59.123456+00:00'",
        Engine::Postgres => "'2025-12-31T23:59:59.123456+00:00'::timestamptz",
    };
    // Inserts values in the form in which the previous version stored them.
    for sql in [
        "INSERT INTO import_jobs (id, organization_id, name, kind, status, candidate_decision, error, undone_records, kept_records, revision, \
         created_at, updated_at) VALUES (7, 1, 'old.csv', 'list', 'undone', 'wait', 'it was broken off each time', 1, 2, 1, @, @)",
        "INSERT INTO import_records (id, organization_id, import_job_id, record_index, promotion_status, verdict, reason, \
         last_error, original_data, revision, created_at, updated_at) VALUES (9, 1, 7, 0, 'kept', 'create', \
         'it was touched since', 'HTTP: it answers 503', '{}', 1, @, @)",
    ] {
        let sql = sql.replace('@', time);
        app.db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    }
    let stored = rows_of(&app.db, "changes", "\"actor_kind\"").await;
    assert!(stored.iter().all(|row| row.contains("visitor")), "{stored:?}");
    app.settled().await;
    let data = app
        .data(
            r"{ importJob(id: 7) { kind error errors { code } undoSkippedRecords
                   importRecords(filter: { promotionStatus: { eq: UNDO_SKIPPED } }) { nodes {
                     promotionStatus reason reasons { code } lastError errors { code arguments } } } }
                 changes(filter: { actorKind: { eq: LOCAL_USER } }) { nodes { actorKind entity } }
                 importJobs(filter: { kind: { eq: IMPORT } }) { groups(by: { kind: VALUE }) { nodes { key { kind } filter } } } }",
        )
        .await;
    assert_eq!(
        data["importJob"],
        serde_json::json!({ "kind": "IMPORT", "error": "all attempts were interrupted",
            "errors": [{ "code": "ATTEMPTS_INTERRUPTED" }], "undoSkippedRecords": 2, "importRecords": { "nodes": [{
            "promotionStatus": "UNDO_SKIPPED", "reason": "the prospect was modified after the import",
            "reasons": [{ "code": "PROSPECT_MODIFIED" }], "lastError": "HTTP: it answers 503",
            "errors": [{ "code": "LEGACY_TEXT", "arguments": ["HTTP: it answers 503"] }] }] } })
    );
    assert_eq!(data["changes"]["nodes"][0]["actorKind"], "LOCAL_USER");
    let group = &data["importJobs"]["groups"]["nodes"][0];
    assert_eq!(group["key"]["kind"], "IMPORT");
    assert_eq!(group["filter"].to_string().matches("IMPORT").count(), 2);
    // A change log entry with stored enum values.
    app.done(r#"mutation { updateImportJob(input: { id: 7, patch: { name: "new.csv" } }) { userErrors { message } } }"#)
        .await;
    let entry = "UPDATE changes SET before = '{\"status\": \"undoing\", \"error\": \"nothing new\", \"kept_records\": 1}', \
                 after = '{\"status\": \"undone\", \"error\": null, \"kept_records\": 2}' WHERE entity = 'import_job'";
    app.db.execute_unprepared(entry).await.unwrap();
    app.settled().await;
    // A cursor that the previous version issued for the first entry of its change log, on SQLite. Transaction numbers of
    // Postgres are greater, so all entries follow it there.
    let old = "AZMzyv1T2M7QAgEAAAAAAAAAAgAAAAAAAAAAAgEAAAAAAAAA";
    let entries = app
        .data(&format!(
            "{{ all: changes {{ nodes {{ id }} }} rest: changes(after: \"{old}\") {{ nodes {{ id }} }} }}"
        ))
        .await;
    let all = entries["all"]["nodes"].as_array().unwrap();
    let skipped = usize::from(app.engine == Engine::Sqlite);
    assert!(all.len() > skipped);
    assert_eq!(entries["rest"]["nodes"].as_array().unwrap()[..], all[skipped..]);
    let data = app
        .data("{ importJob(id: 7) { history { nodes { fields { name before after } } } } }")
        .await;
    assert_eq!(
        data["importJob"]["history"]["nodes"][0]["fields"],
        serde_json::json!([
            { "name": "error", "before": "no new values", "after": null },
            { "name": "undoSkippedRecords", "before": 1, "after": 2 },
            { "name": "status", "before": "UNDOING", "after": "UNDONE" },
        ])
    );
}

/// The version before had the role on the user.
async fn roles_become_memberships_and_keys_keep_working(app: App) {
    let second = app.organization("second").await;
    let keys = [
        key(&app, app.organization, Role::Owner, "o@example.com", false).await,
        key(&app, app.organization, Role::Member, "m@example.com", true).await,
        key(&app, second, Role::Analyst, "a@example.com", false).await,
        key(&app, second, Role::Owner, "gone@example.com", false).await,
    ];
    app.store.migrate_down(3).await.unwrap();
    let roles = "SELECT email || ' ' || role FROM users ORDER BY email";
    let texts = async |sql: &str| {
        let rows = app.db.query_all_raw(Statement::from_string(app.db.get_database_backend(), sql));
        let rows = rows.await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(
        texts(roles).await,
        [
            "a@example.com analyst",
            "gone@example.com owner",
            "m@example.com member",
            "o@example.com owner"
        ]
    );
    for sql in [
        // The default of one of the source documents.
        "UPDATE users SET role = 'user' WHERE email = 'm@example.com'",
        "UPDATE users SET deleted_at = updated_at WHERE email = 'gone@example.com'",
    ] {
        app.db.execute_unprepared(sql).await.unwrap();
    }
    service::operations::migrate(&app.store).await.unwrap();
    let memberships = "SELECT u.email || ' ' || o.slug || ' ' || m.role || ' ' || m.status FROM memberships m \
                       JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id ORDER BY 1";
    assert_eq!(
        texts(memberships).await,
        [
            "a@example.com second analyst active",
            "gone@example.com second owner left",
            "m@example.com default member active",
            "o@example.com default owner active",
        ]
    );
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn Clock>;
    let cache = ApiKeyCache::new(app.store.clone(), clock);
    let mut found = Vec::new();
    for key in &keys {
        let identity = cache.identity(key).await.unwrap();
        found.push(identity.map(|identity| (identity.organization, identity.role)));
    }
    let expected = [
        Some((app.organization, Role::Owner)),
        Some((app.organization, Role::Member)),
        Some((second, Role::Analyst)),
        None,
    ];
    assert_eq!(found, expected);
}

//! The indexes and triggers of a restored database, which are removed while its rows are copied.

use engine::{progress::Unwatched, store::Store};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use service::{
    demo,
    operations::{self, backup::backup, restore::restore},
};
use tests::{App, Engine, behaviours, database::TestDatabase};

behaviours![restored_database_has_all_indexes_and_triggers];

/// The indexes and triggers of a database.
async fn schema(db: &DatabaseConnection, engine: Engine) -> Vec<String> {
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT \"type\" || ' ' || \"name\" || ' ' || \"sql\" FROM sqlite_master \
             WHERE \"type\" IN ('index', 'trigger') AND \"sql\" IS NOT NULL ORDER BY 1"
        }
        Engine::Postgres => {
            // Postgres prints a condition of a partial index in another form when it is created from its printed form.
            "SELECT split_part(indexdef, ' WHERE ', 1) || (indexdef LIKE '% WHERE %') FROM pg_indexes \
             WHERE schemaname = current_schema() UNION ALL \
             SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
             WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY 1"
        }
    };
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Restores a backup of the application into a new database of each engine.
async fn restored(app: &App) -> Vec<(Engine, TestDatabase)> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    backup(&app.store, &copy, &Unwatched).await.unwrap();
    let mut engines = vec![Engine::Sqlite];
    engines.extend(tests::database::postgres().map(|_| Engine::Postgres));
    let mut targets = Vec::new();
    for engine in engines {
        let target = TestDatabase::empty(engine).await;
        restore(&target.url, &copy, app.clock.as_ref(), &Unwatched).await.unwrap();
        targets.push((engine, target));
    }
    targets
}

async fn restored_database_has_all_indexes_and_triggers(app: App) {
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    for (engine, target) in restored(&app).await {
        let new = TestDatabase::empty(engine).await;
        let store = Store::connect(&new.url).await.unwrap();
        operations::migrate(&store).await.unwrap();
        let [restored, expected] = [&target.url, &new.url].map(|url| {
            let url = url.clone();
            async move { schema(&Database::connect(&url).await.unwrap(), engine).await }
        });
        let (restored, expected) = (restored.await, expected.await);
        assert!(expected.len() > 200, "{}", expected.len());
        let only_in = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|object| !other.contains(object)).cloned().collect()
        };
        let (missing, new) = (only_in(&expected, &restored), only_in(&restored, &expected));
        assert_eq!((missing, new), (Vec::new(), Vec::new()), "{engine:?}");
        store.close().await.unwrap();
    }
}

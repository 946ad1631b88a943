//! Postgres connections: their number, and the behavior of the server if the database limits connections or privileges.

use std::sync::Arc;

use api::product_server::executor;
use async_graphql::{Executor, Request};
use engine::{Actor, Clock, Error, MIN_CONNECTIONS, Role, Scope, Store, change_log};
use graph::json_text;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use tests::{App, Engine, behaviours};

behaviours![
    connection_limit_is_respected,
    pool_works_with_fewer_connections_than_requested,
    missing_database_privileges_are_named,
    transaction_blocking_subscribers_is_named,
];

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Creates a login role with these privileges on the tables; returns the database URL for it.
async fn role(app: &App, name: &str, options: &str, rights: &str) -> String {
    let database = app.url.rsplit_once('/').unwrap().1;
    let role = format!("{name}_{database}");
    app.db
        .execute_unprepared(&format!(
            "CREATE ROLE {role} LOGIN {options}; GRANT {rights} ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
        ))
        .await
        .unwrap();
    let (head, rest) = app.url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{head}://{role}@{host}")
}

async fn drop_role(app: &App, url: &str) {
    let role = url.split_once("://").unwrap().1.split_once('@').unwrap().0;
    app.db.execute_unprepared(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

/// Executes queries and mutations concurrently; returns the responses that contain errors.
async fn under_load(app: &App, store: &Store, rounds: usize) -> Vec<String> {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let actor = Actor::LocalUser;
    let scope = Scope::new(store.clone(), app.organization, actor, Role::Owner, clock);
    let executor = executor();
    let ask = async |query: String| {
        json_text::response(&executor.execute(Request::new(query).data(scope.clone())).await)
    };
    let work = (0..rounds).map(async |number| {
        let write = format!(
            "mutation {{ createIndustry(input: {{ name: \"Industry {number}\" }}) {{ userErrors {{ message }} }} }}"
        );
        let read = "{ companies { nodes { name prospects { nodes { fullName } } } } }".to_owned();
        let (written, read) = futures_util::join!(ask(write), ask(read));
        [written, read]
    });
    let answers = futures_util::future::join_all(work).await;
    answers.into_iter().flatten().filter(|answer| answer.contains("errors\":[{")).collect()
}

async fn connection_limit_is_respected(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    app.world().await;
    let refused = Store::connect_with(&app.url, None, Some(MIN_CONNECTIONS - 1)).await.unwrap_err();
    assert_eq!(refused.to_string(), "`connections` must be at least 8");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    let others = number(&app.db, sql).await;
    let store = Store::connect_with(&app.url, None, Some(MIN_CONNECTIONS)).await.unwrap();
    let wrong = under_load(&app, &store, 40).await;
    assert!(wrong.is_empty(), "{wrong:?}");
    let own = number(&app.db, sql).await - others;
    assert!((2..=i64::from(MIN_CONNECTIONS)).contains(&own), "{own}");
    assert_eq!(number(&app.db, "SELECT count(*) FROM industries").await, 43);
    store.close().await.unwrap();
}

async fn pool_works_with_fewer_connections_than_requested(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    app.world().await;
    // The store would open 16 read connections, but the database allows only 5.
    let url = role(&app, "few", "CONNECTION LIMIT 5", "SELECT, INSERT, UPDATE, DELETE").await;
    let store = Store::connect(&url).await.unwrap();
    let pings = (0..60).map(|_| store.ping());
    // A request fails if it waits more than two seconds for a connection.
    for answer in futures_util::future::join_all(pings).await {
        answer.unwrap();
    }
    store.close().await.unwrap();
    drop_role(&app, &url).await;
}

async fn missing_database_privileges_are_named(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    app.world().await;
    let url = role(&app, "served", "", "SELECT, INSERT, UPDATE, DELETE").await;
    let store = Store::connect(&url).await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    assert!(under_load(&app, &store, 1).await.is_empty());
    // The error names the missing privilege.
    let refused = store.migrate_down(1).await.unwrap_err();
    assert!(refused.advice().unwrap().contains("CREATE on the schema"), "{refused:?}");
    store.close().await.unwrap();
    drop_role(&app, &url).await;

    let url = role(&app, "reads", "", "SELECT").await;
    app.db
        .execute_unprepared(&format!(
            "ALTER ROLE {} SET default_transaction_read_only = on",
            url.split_once("://").unwrap().1.split_once('@').unwrap().0
        ))
        .await
        .unwrap();
    let store = Store::connect(&url).await.unwrap();
    let refused = change_log::open(&store).await.unwrap_err();
    assert!(refused.advice().unwrap().contains("default_transaction_read_only"), "{refused:?}");
    store.close().await.unwrap();
    drop_role(&app, &url).await;

    let url = role(&app, "blind", "", "INSERT").await;
    let store = Store::connect(&url).await.unwrap();
    let refused = store.migrations().await.unwrap_err();
    let Error::Conflict(_, message) = refused else { panic!("{refused:?}") };
    assert!(message.contains("can't read the table seaql_migrations"), "{message}");
    store.close().await.unwrap();
    drop_role(&app, &url).await;
}

async fn transaction_blocking_subscribers_is_named(app: App) {
    if app.engine == Engine::Sqlite {
        assert!(change_log::stalled(&app.store, app.clock.now()).await.unwrap().is_none());
        return;
    }
    let holder = app.db.begin().await.unwrap();
    holder.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
    app.done("mutation { createIndustry(input: { name: \"Late\" }) { userErrors { message } } }")
        .await;
    let stalled = async || change_log::stalled(&app.store, app.clock.now()).await.unwrap();
    assert!(stalled().await.is_none(), "nothing should be reported within the first minute");
    app.clock.advance(chrono::TimeDelta::minutes(2));
    let found = stalled().await.unwrap();
    assert_eq!(found.waits, chrono::TimeDelta::minutes(2));
    assert!(found.holders[0].starts_with("process "), "{found:?}");
    assert!(found.holders[0].contains(" in the database "), "{found:?}");
    holder.rollback().await.unwrap();
}

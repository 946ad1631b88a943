//! Settings of a replica. What holds with one that runs is tried by `tests/scale-out/run`.

use std::sync::Arc;

use api::{execute::SchemaExecutor, text};
use async_graphql::{Executor, Request};
use service::{Actor, Clock, Error, Role, Scope, Store};
use tests::{App, Engine, behaviours};

behaviours![what_is_no_replica_is_refused, while_a_replica_is_away_the_primary_answers,];

async fn what_is_no_replica_is_refused(app: App) {
    let refused = Store::connect_with(&app.url, Some(&app.url), None).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid { ref field, .. } if field == "replica"), "{refused}");
}

async fn while_a_replica_is_away_the_primary_answers(app: App) {
    app.world().await;
    if app.engine == Engine::Sqlite {
        return;
    }
    // Nobody listens there.
    let store =
        Store::connect_with(&app.url, Some("postgres://127.0.0.1:1/none"), None).await.unwrap();
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let (actor, role) = (Actor::LocalVisitor, Role::Owner);
    let scope = Scope::new(store.clone(), app.organization, actor, role, clock);
    let executor = SchemaExecutor::new();
    let ask = async |query: &str| {
        text::response(&executor.execute(Request::new(query).data(scope.clone())).await)
    };
    let write = r#"mutation { createIndustry(input: { name: "Bakeries" }) { industry { name } userErrors { message } } }"#;
    assert_eq!(
        ask(write).await,
        r#"{"data":{"createIndustry":{"industry":{"name":"Bakeries"},"userErrors":[]}}}"#
    );
    let read = r#"{ industries(filter: { name: { eq: "bakeries" } }) { totalCount } }"#;
    assert_eq!(ask(read).await, r#"{"data":{"industries":{"totalCount":1}}}"#);
    assert_eq!(store.replica_age(), Some(std::time::Duration::MAX));
    store.close().await.unwrap();
}

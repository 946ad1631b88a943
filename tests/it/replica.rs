//! Configuration of a read replica. `tests/scale-out/run` tests the behavior with a running replica.

use std::sync::Arc;

use api::product_server::executor;
use async_graphql::{Executor, Request};
use engine::{Actor, Clock, Error, Role, Scope, Store};
use graph::json_text;
use tests::{App, Engine, behaviours};

behaviours![
    primary_is_rejected_as_its_own_replica,
    reads_fall_back_to_the_primary_if_the_replica_is_down,
];

async fn primary_is_rejected_as_its_own_replica(app: App) {
    let refused = Store::connect_with(&app.url, Some(&app.url), None).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid { ref field, .. } if field == "replica"), "{refused}");
}

async fn reads_fall_back_to_the_primary_if_the_replica_is_down(app: App) {
    app.world().await;
    if app.engine == Engine::Sqlite {
        return;
    }
    // No server listens at this address.
    let store =
        Store::connect_with(&app.url, Some("postgres://127.0.0.1:1/none"), None).await.unwrap();
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let (actor, role) = (Actor::LocalUser, Role::Owner);
    let scope = Scope::new(store.clone(), app.organization, actor, role, clock);
    let executor = executor();
    let ask = async |query: &str| {
        json_text::response(&executor.execute(Request::new(query).data(scope.clone())).await)
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

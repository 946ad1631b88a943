//! Every committed change is delivered to every subscriber exactly once and in the same order, even if
//! transactions commit out of order, subscribers reconnect and servers restart.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use api::product_server::executor;
use async_graphql::{Executor, Request};
use engine::{Actor, Clock, Role, Scope, Store, change_log::ChangeStream};
use futures_util::{StreamExt, future::join_all};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use server::execute::SchemaExecutor;
use tests::{App, Engine, behaviours};

behaviours![every_change_is_delivered_once_in_the_same_order];

/// Number of rounds, each with a different seed; `SALESGRAPH_ROUNDS` overrides it.
const ROUNDS: u64 = 3;

/// One of several servers on the same database.
#[derive(Clone)]
struct Server {
    store: Store,
    feed: ChangeStream,
}

impl Server {
    async fn start(app: &App) -> Self {
        let store = Store::connect(&app.url).await.unwrap();
        Self { feed: ChangeStream::new(store.clone()), store }
    }

    fn scope(&self, app: &App) -> Scope {
        let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
        Scope::new(self.store.clone(), app.organization, Actor::LocalUser, Role::Owner, clock)
    }
}

#[expect(clippy::disallowed_methods, reason = "test configuration")]
async fn every_change_is_delivered_once_in_the_same_order(app: App) {
    let rounds = std::env::var("SALESGRAPH_ROUNDS").ok().and_then(|text| text.parse().ok());
    if app.engine == Engine::Postgres {
        // Makes transactions commit in a different order than their transaction numbers.
        let slow = "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS \
                    'BEGIN PERFORM pg_sleep(random() * 0.03); RETURN NULL; END'; \
                    CREATE TRIGGER pause AFTER INSERT ON changes FOR EACH STATEMENT EXECUTE FUNCTION pause()";
        app.db.execute_unprepared(slow).await.unwrap();
    }
    let executor = executor();
    let first = r#"mutation { createIndustry(input: { name: "first" }) { userErrors { code } } }"#;
    app.done(first).await;
    let (mut changes, mut arrivals) = (0, 0);
    for seed in 0..rounds.unwrap_or(ROUNDS) {
        let round =
            tokio::time::timeout(Duration::from_mins(1), round(&app, &executor, seed)).await;
        let (came, went) =
            round.expect("every subscriber should receive all changes within a minute");
        changes += came;
        arrivals += went;
    }
    assert!(changes > 100 && arrivals > 20, "{changes} {arrivals}");
    if rounds.is_some() {
        eprintln!("{:?}: {changes} changes, {arrivals} subscriptions", app.engine);
    }
}

/// Runs one round; returns the numbers of changes and subscriptions.
async fn round(app: &App, executor: &SchemaExecutor, seed: u64) -> (usize, usize) {
    let start = app.data("{ changes(last: 1) { nodes { cursor id } } }").await;
    let start = &start["changes"]["nodes"][0];
    let replicas = if app.engine == Engine::Postgres { 2 } else { 1 };
    let mut servers = Vec::new();
    for _ in 0..replicas {
        servers.push(Server::start(app).await);
    }
    let servers = RefCell::new(servers);
    let (writing, expected) = (Cell::new(true), RefCell::new(None));
    let arrivals = Cell::new(0);

    let writers = join_all((0..6).map(|writer| {
        let mut rng = fastrand::Rng::with_seed(seed * 100 + writer);
        let (servers, executor) = (&servers, executor);
        async move {
            for number in 0..10 {
                let server = {
                    let servers = servers.borrow();
                    servers[rng.usize(..servers.len())].clone()
                };
                let names: Vec<_> = (0..rng.usize(1..4))
                    .map(|item| format!("{{ name: \"{seed} {writer} {number} {item}\" }}"))
                    .collect();
                let create = format!(
                    "mutation {{ createIndustries(input: {{ industries: [{}] }}) {{ userErrors {{ code }} }} }}",
                    names.join(" ")
                );
                let answer = executor.execute(Request::new(create).data(server.scope(app))).await;
                assert!(answer.errors.is_empty(), "{:?}", answer.errors);
                tokio::time::sleep(Duration::from_micros(rng.u64(..4_000))).await;
            }
        }
    }));

    let restarts = async {
        let mut rng = fastrand::Rng::with_seed(seed);
        while writing.get() {
            tokio::time::sleep(Duration::from_millis(rng.u64(20..60))).await;
            let place = rng.usize(..replicas);
            let fresh = Server::start(app).await;
            let gone = std::mem::replace(&mut servers.borrow_mut()[place], fresh);
            gone.feed.close();
        }
    };

    let subscribers = join_all((0..5).map(|subscriber| {
        let mut rng = fastrand::Rng::with_seed(seed * 1_000 + subscriber);
        let (servers, expected, arrivals) = (&servers, &expected, &arrivals);
        let mut cursor = start["cursor"].as_str().unwrap().to_owned();
        async move {
            let mut received: Vec<String> = Vec::new();
            loop {
                if let Some(expected) = *expected.borrow()
                    && received.len() >= expected
                {
                    return received;
                }
                let server = {
                    let servers = servers.borrow();
                    servers[rng.usize(..servers.len())].clone()
                };
                let query = format!(
                    "subscription {{ changes(after: \"{cursor}\") {{ cursor change {{ id }} }} }}"
                );
                let request = Request::new(query).data(server.feed.clone()).data(server.scope(app));
                let mut events = executor.execute_stream(request, None);
                arrivals.set(arrivals.get() + 1);
                for _ in 0..rng.usize(1..12) {
                    let wait = Duration::from_millis(rng.u64(5..80));
                    let Ok(Some(response)) = tokio::time::timeout(wait, events.next()).await else {
                        break;
                    };
                    assert!(response.errors.is_empty(), "{:?}", response.errors);
                    let answer: Value =
                        serde_json::from_str(&graph::json_text::response(&response)).unwrap();
                    let data = &answer["data"];
                    data["changes"]["cursor"].as_str().unwrap().clone_into(&mut cursor);
                    received.push(data["changes"]["change"]["id"].as_str().unwrap().to_owned());
                }
            }
        }
    }));

    let all_written = async {
        writers.await;
        writing.set(false);
        let first = start["id"].as_str().unwrap().trim_start_matches("Change:");
        *expected.borrow_mut() = Some(log_after(app, first).await.len());
    };
    let ((), (), received) = futures_util::join!(all_written, restarts, subscribers);
    let first = start["id"].as_str().unwrap().trim_start_matches("Change:");
    let log = log_after(app, first).await;
    for received in &received {
        assert_eq!(*received, log, "seed {seed}");
    }
    (log.len(), arrivals.get())
}

/// The change log entries after a given entry, read from the database while no transaction is running.
async fn log_after(app: &App, first: &str) -> Vec<String> {
    let sql = format!(
        "SELECT id FROM changes WHERE (epoch, transaction_number, id) > (SELECT epoch, transaction_number, id \
         FROM changes WHERE id = {first}) ORDER BY epoch, transaction_number, id"
    );
    let backend = app.db.get_database_backend();
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| format!("Change:{}", row.try_get_by_index::<i64>(0).unwrap())).collect()
}

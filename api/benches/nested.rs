//! The nested query at large scale, run by hand:
//!
//! ```sh
//! cargo run --release -- --database URL seed --scale large
//! cargo bench --bench nested -- --database URL --clients 16
//! ```
//!
//! Requests run in this process, without HTTP. CPU is that of this process and, when it is Postgres
//! on this machine, of all processes called `postgres`.
#![expect(clippy::unwrap_used, reason = "run by hand: a fault ends it")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use api::{execute::SchemaExecutor, schema};
use async_graphql::{Executor, Request};
use clap::Parser;
use service::{Actor, Role, Scope, Store, SystemClock, identity::organization};

mod cpu;

const NESTED: &str = "{ companies(first: 20) { nodes { name industry { name } \
    prospects(first: 5, filter: { isActive: { eq: true } }, orderBy: [{ lastContactedAt: DESC_NULLS_LAST }]) { \
    nodes { fullName interactions(first: 3, orderBy: [{ interactionDate: DESC }]) { nodes { subject } } } totalCount } } } }";

const QUERIES: [(&str, &str); 3] = [
    (
        "a prospect with company and industry",
        "{ prospect(id: 4711) { fullName email company { name industry { name } } } }",
    ),
    (
        "50 prospects with company and industry",
        "{ prospects(first: 50) { nodes { fullName email company { name industry { name } } } } }",
    ),
    ("companies, prospects, interactions, count", NESTED),
];

#[derive(Parser)]
struct Arguments {
    /// The database, seeded.
    #[arg(long, default_value = "sqlite:data/salesgraph.db")]
    database: String,
    /// How many requests at the same time.
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Seconds for each query.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let store = Store::connect(&arguments.database).await.unwrap();
    let organization = organization::find(&store, organization::DEFAULT).await.unwrap();
    let clock = Arc::new(SystemClock);
    let scope = Scope::new(store.clone(), organization, Actor::CommandLine, Role::Owner, clock);
    let executor = SchemaExecutor::new(schema::build());
    println!("{} clients, {} s each", arguments.clients, arguments.seconds);
    for (name, query) in QUERIES {
        let before = store.statements();
        let answer = executor.execute(Request::new(query).data(scope.clone())).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        let statements = store.statements() - before;
        measure(&executor, &scope, query, arguments.clients, Duration::from_secs(1)).await;
        let cpu = [cpu::seconds("self"), cpu::postgres_seconds()];
        let duration = Duration::from_secs(arguments.seconds);
        let mut times = measure(&executor, &scope, query, arguments.clients, duration).await;
        times.sort_unstable();
        let count = times.len();
        let per_request = |after: f64, before: f64| (after - before) * 1e3 / count as f64;
        println!(
            "{name}: {statements} statements, {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms, CPU {:.2} + {:.2} ms",
            count as f64 / arguments.seconds as f64,
            times[count / 2].as_secs_f64() * 1e3,
            times[count * 99 / 100].as_secs_f64() * 1e3,
            per_request(cpu::seconds("self"), cpu[0]),
            per_request(cpu::postgres_seconds(), cpu[1]),
        );
    }
}

async fn measure(
    executor: &SchemaExecutor,
    scope: &Scope,
    query: &str,
    clients: usize,
    duration: Duration,
) -> Vec<Duration> {
    let end = Instant::now() + duration;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (executor, scope, query) = (executor.clone(), scope.clone(), query.to_owned());
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                let answer = executor.execute(Request::new(&query).data(scope.clone())).await;
                // What a server would send.
                let text = serde_json::to_string(&answer).unwrap();
                assert!(text.starts_with("{\"data\""));
                times.push(begun.elapsed());
            }
            times
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

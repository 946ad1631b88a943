//! Delivery time of a change to subscribers while other subscribers do not read. Run manually:
//!
//! ```sh
//! cargo bench --bench subscribers -- --database URL
//! ```
//!
//! The server runs in this process and is accessed over HTTP and WebSocket; the drafts remain in the database.
#![expect(clippy::unwrap_used, reason = "run manually: an error ends the run")]
#![expect(clippy::disallowed_methods, reason = "measures wall-clock time and spawns tasks")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use api::product_server::{self, default_providers, executor};
use async_graphql::{Executor, Request};
use clap::Parser;
use engine::{Actor, Role, Scope, Store, SystemClock, change_log, progress::Unwatched};
use futures_util::{SinkExt, StreamExt};
use graph::json_text;
use server::http::connection::serve;
use service::{
    demo,
    identity::{accounts::Accounts, organization},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

#[derive(Parser)]
struct Arguments {
    /// Database URL; an empty database is seeded with demo data.
    #[arg(long, default_value = "sqlite::memory:")]
    database: String,
    /// Number of subscribers that read.
    #[arg(long, default_value_t = 5)]
    reading: usize,
    /// Number of subscribers that do not read.
    #[arg(long, default_value_t = 50)]
    silent: usize,
    /// Number of drafts to write.
    #[arg(long, default_value_t = 3_000)]
    drafts: usize,
    /// Seconds over which the drafts are written.
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

const SUBSCRIBE: &str = r#"{"id":"1","type":"subscribe","payload":{"query":"subscription { outreachDraftCreated { cursor change { id kind } draft { id subject content status } } }"}}"#;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn subscribe(address: SocketAddr) -> Socket {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket.send(Message::text(SUBSCRIBE)).await.unwrap();
    socket
}

/// Reads one event per written draft; returns the arrival time of each draft.
async fn read(mut socket: Socket, count: usize) -> HashMap<String, Instant> {
    let mut arrived = HashMap::new();
    while arrived.len() < count {
        let message = socket.next().await.unwrap().unwrap();
        let Message::Text(text) = message else { continue };
        let now = Instant::now();
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        let draft = &message["payload"]["data"]["outreachDraftCreated"]["draft"];
        if let Some(id) = draft["id"].as_str() {
            arrived.insert(id.to_owned(), now);
        }
    }
    arrived
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder =
        std::env::temp_dir().join(format!("salesgraph-subscribers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let database = match arguments.database.as_str() {
        "sqlite::memory:" => format!("sqlite:{}/salesgraph.db", folder.display()),
        database => database.to_owned(),
    };
    let store = Store::connect(&database).await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    change_log::open(&store).await.unwrap();
    let clock: Arc<dyn engine::Clock> = Arc::new(SystemClock);
    let _ = demo::found(&store, &clock, demo::Scale::Small, &Unwatched).await;
    let organization =
        organization::ensure(&store, clock.as_ref(), organization::DEFAULT).await.unwrap();
    let providers = default_providers();
    let accounts =
        Accounts::new(store.clone(), Arc::clone(&clock), service::catalog::tables(), None);
    let server = product_server::server(
        store.clone(),
        organization,
        Arc::clone(&clock),
        providers,
        accounts,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, server, std::future::pending()));

    let mut silent = Vec::new();
    for _ in 0..arguments.silent {
        silent.push(subscribe(address).await);
    }
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..arguments.reading {
        readers.spawn(read(subscribe(address).await, arguments.drafts));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    let executor = executor();
    let scope = Scope::new(store, organization, Actor::CommandLine, Role::Owner, clock);
    let written = Arc::new(Mutex::new(HashMap::new()));
    let begun = Instant::now();
    for number in 0..arguments.drafts {
        let due = Duration::from_secs_f64(
            arguments.seconds * f64::from(u32::try_from(number).unwrap())
                / f64::from(u32::try_from(arguments.drafts).unwrap()),
        );
        tokio::time::sleep_until((begun + due).into()).await;
        let query = format!(
            "mutation {{ createOutreachDraft(input: {{ prospectId: {}, draftType: \"initial\", subject: \"Hello\", \
             content: \"Dear you, number {number}\" }}) {{ outreachDraft {{ id }} }} }}",
            number % 40 + 1
        );
        let answer = executor.execute(Request::new(query).data(scope.clone())).await;
        let answer: serde_json::Value =
            serde_json::from_str(&json_text::response(&answer)).unwrap();
        let id = answer["data"]["createOutreachDraft"]["outreachDraft"]["id"].as_str().unwrap();
        written.lock().unwrap().insert(id.to_owned(), Instant::now());
    }
    println!("{} drafts in {:.1} s", arguments.drafts, begun.elapsed().as_secs_f64());
    let mut times = Vec::new();
    for arrived in readers.join_all().await {
        let written = written.lock().unwrap();
        times.extend(written.iter().map(|(id, at)| arrived[id].saturating_duration_since(*at)));
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)].as_secs_f64();
    println!(
        "{} events at {} reading subscribers, {} not reading; seconds after the write response: p50 {:.3}, p99 {:.3}, all {:.3}",
        times.len(),
        arguments.reading,
        silent.len(),
        at(500),
        at(990),
        at(1_000)
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

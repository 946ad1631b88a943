//! Writes compared with the equivalent bare SQL (the row and its change log entry in one transaction), and the
//! delivery time of a change to subscribers of this server and of another server. Run manually:
//!
//! ```sh
//! cargo run --release -- --database URL seed --scale large
//! cargo bench --bench writes -- --database URL --clients 16
//! ```
//!
//! Requests run in this process, without HTTP. CPU time is that of this process and, for Postgres on this machine,
//! of all processes named `postgres`. The written rows remain in the database.
#![expect(clippy::unwrap_used, reason = "run manually: an error ends the run")]
#![expect(clippy::cast_precision_loss, reason = "figures for human readers")]
#![expect(clippy::disallowed_methods, reason = "measures wall-clock time and spawns tasks")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use api::product_server::executor;
use async_graphql::{Executor, Request};
use clap::Parser;
use engine::{Actor, Engine, Role, Scope, Store, SystemClock, change_log::ChangeStream};
use futures_util::StreamExt;
use graph::json_text;
use server::execute::SchemaExecutor;
use service::identity::organization;
use sqlx::{Connection, Executor as _, Row};

mod cpu;

#[derive(Parser)]
struct Arguments {
    /// Database URL; the database must be seeded.
    #[arg(long, default_value = "sqlite:data/salesgraph.db")]
    database: String,
    /// Number of concurrent writers.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Duration of each part in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

static CONTENT: AtomicU64 = AtomicU64::new(0);

fn create(prospect: u64) -> String {
    let number = CONTENT.fetch_add(1, Ordering::Relaxed);
    format!(
        "mutation {{ createOutreachDraft(input: {{ prospectId: {prospect}, draftType: \"initial\", \
         subject: \"Hello\", content: \"Dear you, number {number}\" }}) {{ outreachDraft {{ id }} \
         userErrors {{ message }} }} }}"
    )
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let store = Store::connect(&arguments.database).await.unwrap();
    let organization = organization::find(&store, organization::DEFAULT).await.unwrap();
    let scope = |store: &Store| {
        let clock = Arc::new(SystemClock);
        Scope::new(store.clone(), organization, Actor::CommandLine, Role::Owner, clock)
    };
    let executor = executor();
    let duration = Duration::from_secs(arguments.seconds);
    println!("{} writers, {} s each", arguments.clients, arguments.seconds);

    let own = scope(&store);
    let (runs, acts) = (executor.clone(), own.clone());
    measure("createOutreachDraft", arguments.clients, duration, move |number| {
        let (executor, scope) = (runs.clone(), acts.clone());
        async move {
            let request = Request::new(create(number % 1_000 + 1)).data(scope);
            let answer = json_text::response(&executor.execute(request).await);
            assert!(answer.contains("\"userErrors\":[]"), "{answer}");
        }
    })
    .await;
    match store.engine() {
        Engine::Postgres => bare_postgres(&arguments, organization, duration).await,
        Engine::Sqlite => bare_sqlite(&arguments, organization, duration).await,
    }

    let other = Store::connect(&arguments.database).await.unwrap();
    for (name, listening) in [("one server", store.clone()), ("another server", other)] {
        // The writing server notifies other servers; the listening server receives the notification.
        let (_writing, feed) =
            (ChangeStream::new(store.clone()), ChangeStream::new(listening.clone()));
        latency(name, &executor, &own, &feed, &scope(&listening)).await;
    }
}

async fn measure<F>(
    name: &str,
    clients: usize,
    duration: Duration,
    write: impl Fn(u64) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let (before, database) = (cpu::seconds("self"), cpu::Postgres::now());
    let end = Instant::now() + duration;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients as u64 {
        let write = write.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                write(client * 100_000 + times.len() as u64).await;
                times.push(begun.elapsed());
            }
            times
        });
    }
    let mut times: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_unstable();
    let count = times.len();
    let each = |seconds: f64| seconds * 1e3 / count as f64;
    println!(
        "{name}: {:.0} writes/s, {}, CPU {:.2} + {:.2} ms",
        count as f64 / duration.as_secs_f64(),
        percentiles(&times),
        each(cpu::seconds("self") - before),
        each(cpu::Postgres::now().since(&database)),
    );
}

fn percentiles(times: &[Duration]) -> String {
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("p50 {:.2} ms, p99 {:.2} ms", at(50), at(99))
}

const DRAFT: &str = "INSERT INTO outreach_drafts (organization_id, prospect_id, draft_type, subject, \
    content, status, channel, content_type, version, revision, created_at, updated_at) \
    VALUES ($1, $2, 'initial', 'Hello', 'Dear you', 'draft', 'email', 'text', 1, 1, $3, $3) RETURNING id";

async fn bare_postgres(arguments: &Arguments, organization: i64, duration: Duration) {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(8).test_before_acquire(false);
    let pool = pool.connect(&arguments.database).await.unwrap();
    measure("bare SQL, two inserts", arguments.clients, duration, move |number| {
        let pool = pool.clone();
        async move {
            let now = chrono::Utc::now();
            let mut transaction = pool.begin().await.unwrap();
            let prospect = (number % 1_000 + 1).cast_signed();
            let draft = sqlx::query(DRAFT).bind(organization).bind(prospect).bind(now);
            let id: i64 = draft.fetch_one(&mut *transaction).await.unwrap().get(0);
            let entry = "INSERT INTO changes (epoch, transaction_number, organization_id, entity, record_id, \
                         kind, after, actor_kind, created_at) VALUES (1, pg_current_xact_id()::text::bigint, \
                         $1, 'outreach_draft', $2, 'created', $3, 'command_line', $4)";
            let after = snapshot(id);
            let entry = sqlx::query(entry).bind(organization).bind(id).bind(after).bind(now);
            entry.execute(&mut *transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
    })
    .await;
}

async fn bare_sqlite(arguments: &Arguments, organization: i64, duration: Duration) {
    let path = arguments.database.trim_start_matches("sqlite:").trim_start_matches("//");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
        .foreign_keys(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    connection.execute("PRAGMA busy_timeout = 10000").await.unwrap();
    let connection = Arc::new(tokio::sync::Mutex::new(connection));
    measure("bare SQL, two inserts", arguments.clients, duration, move |number| {
        let connection = Arc::clone(&connection);
        async move {
            let now = chrono::Utc::now();
            let mut connection = connection.lock().await;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            let prospect = (number % 1_000 + 1).cast_signed();
            let draft = sqlx::query(DRAFT).bind(organization).bind(prospect).bind(now);
            let id: i64 = draft.fetch_one(&mut *transaction).await.unwrap().get(0);
            let entry = "INSERT INTO changes (epoch, transaction_number, organization_id, entity, record_id, \
                         kind, after, actor_kind, created_at) VALUES (1, 0, $1, 'outreach_draft', $2, \
                         'created', $3, 'command_line', $4)";
            let after = snapshot(id);
            let entry = sqlx::query(entry).bind(organization).bind(id).bind(after).bind(now);
            entry.execute(&mut *transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
    })
    .await;
}

/// A snapshot as large as the one in the change log entry of a draft.
fn snapshot(id: i64) -> serde_json::Value {
    serde_json::json!({ "id": id, "organization_id": 1, "prospect_id": 1, "event_id": null,
        "draft_type": "initial", "content": "Dear you", "status": "draft", "revision": 1, "subject": "Hello",
        "created_at": "2026-11-21T11:42:32.051226+00:00", "updated_at": "2026-11-21T11:42:32.051226+00:00",
        "channel": "email", "content_type": "text", "version": 1, "variant": null, "tone": null, "model": null,
        "author_kind": "command_line", "author_name": null, "submitted_at": null, "approved_at": null,
        "approver_kind": null, "approver_name": null, "review_note": null, "scheduled_for": null,
        "sent_at": null, "provider_message_id": null, "error": null, "metadata": null, "parent_draft_id": null })
}

fn data(response: &async_graphql::Response) -> serde_json::Value {
    let mut answer: serde_json::Value =
        serde_json::from_str(&json_text::response(response)).unwrap();
    answer["data"].take()
}

/// Measures the time from the response to the writer until the subscriber receives the event.
async fn latency(
    name: &str,
    executor: &SchemaExecutor,
    writer: &Scope,
    feed: &ChangeStream,
    reader: &Scope,
) {
    const COUNT: usize = 500;
    let query = "subscription { outreachDraftCreated { draft { id content } } }";
    let request = Request::new(query).data(feed.clone()).data(reader.clone());
    let mut events = executor.execute_stream(request, None);
    let arrived: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let noted = Arc::clone(&arrived);
    let reading = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            let now = Instant::now();
            let data = data(&event);
            let id = data["outreachDraftCreated"]["draft"]["id"].as_str().unwrap().to_owned();
            noted.lock().unwrap().insert(id, now);
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut written = Vec::new();
    for number in 0..COUNT {
        let request = Request::new(create(number as u64 + 1)).data(writer.clone());
        let data = data(&executor.execute(request).await);
        let id = data["createOutreachDraft"]["outreachDraft"]["id"].as_str().unwrap().to_owned();
        written.push((id, Instant::now()));
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    reading.abort();
    let arrived = arrived.lock().unwrap();
    let mut times: Vec<_> =
        written.iter().map(|(id, at)| arrived[id].saturating_duration_since(*at)).collect();
    times.sort_unstable();
    println!(
        "delay from the write response to delivery at the subscriber, {name}: {}",
        percentiles(&times)
    );
}

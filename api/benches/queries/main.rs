//! Compares nine queries at large scale over HTTP with hand-written SQL for the same rows, in the same run:
//!
//! ```sh
//! cargo bench --bench queries                                     # SQLite, in target/
//! cargo bench --bench queries -- --database postgres://user:password@localhost/bench
//! ```
//!
//! An empty database is seeded first. The server runs as a separate process; each response is compared with the
//! rows of the hand-written statements before the measurement. CPU time is that of the server (or of the driver
//! alone) and, for Postgres on this machine, of all processes named `postgres`; nothing else should use Postgres
//! during a run. The drafts of Q6 remain in the database.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "run manually: an error ends the run")]
#![expect(clippy::cast_precision_loss, reason = "figures for human readers")]
#![expect(clippy::disallowed_methods, reason = "measures wall-clock time and spawns tasks")]

mod bare;
#[path = "../cpu/mod.rs"]
mod cpu;
mod questions;
mod served;
mod told;
mod work_list;

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bare::{Bare, Bind};
use clap::Parser;
use cpu::Postgres;
use questions::{Place, QUESTIONS, Question, SINCE};
use serde_json::{Value, json};
use served::Served;

#[derive(Parser)]
struct Arguments {
    /// Database URL; an empty database is seeded.
    #[arg(long, default_value_t = format!("sqlite:{}/queries.db", env!("CARGO_TARGET_TMPDIR")))]
    database: String,
    /// Scale of the seed data for an empty database.
    #[arg(long, default_value = "large")]
    scale: String,
    /// Numbers of connections to measure, in sequence.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// Duration in seconds of each query and of each hand-written equivalent.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Runs only these queries.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Path of another server build to measure.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_salesgraph"))]
    program: std::path::PathBuf,
    /// Skips the hand-written SQL.
    #[arg(long)]
    alone: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The measurements of one query.
struct Figures {
    times: Vec<Duration>,
    seconds: f64,
    /// CPU seconds of the server or driver, and of the database.
    cpu: [f64; 2],
}

impl Figures {
    /// Discards the CPU time of the database unless it is Postgres: during a run on SQLite, any `postgres` processes
    /// are unrelated to the run.
    fn on(self, postgres: bool) -> Self {
        if postgres { self } else { Self { cpu: [self.cpu[0], 0.0], ..self } }
    }

    fn count(&self) -> f64 {
        self.times.len() as f64
    }

    fn at(&self, part: usize) -> f64 {
        self.times[(self.times.len() * part / 100).min(self.times.len() - 1)].as_secs_f64() * 1e3
    }

    /// CPU milliseconds per request.
    fn each(&self, of: usize) -> f64 {
        self.cpu[of] * 1e3 / self.count()
    }

    fn cost(&self) -> f64 {
        self.each(0) + self.each(1)
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let asked = |question: &&Question| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == question.name)
    };
    let questions: Vec<&'static Question> = QUESTIONS.iter().filter(asked).collect();
    let mut bare = seeded(&arguments).await;
    let mut place = look(&mut bare, &arguments).await;
    let server = Served::start(&arguments.program, &arguments.database);
    place.page = page_before(&mut bare, &server, &place).await;
    let place = Arc::new(place);
    println!("{} prospects, {} s each\n", place.prospects, arguments.seconds);

    let mut statements = Vec::new();
    for question in &questions {
        statements.push(check(question, &server, &mut bare, &place).await);
    }
    for connections in &arguments.connections {
        println!(
            "| {connections} connections | statements | requests/s | p50 ms | p99 ms | CPU server + database ms | \
             hand-written SQL: driver + database ms | ratio |\n|---|---|---|---|---|---|---|---|"
        );
        for (question, statements) in questions.iter().zip(&statements) {
            let duration = Duration::from_secs(arguments.seconds);
            let asked = serve(question, &server, &place, *connections, duration).await;
            let mut line = format!(
                "| {} | {statements} | {:.0} | {:.2} | {:.2} | {:.3} + {:.3} = {:.3} |",
                question.name,
                asked.count() / asked.seconds,
                asked.at(50),
                asked.at(99),
                asked.each(0),
                asked.each(1),
                asked.cost(),
            );
            if !arguments.alone {
                let hand = by_hand(question, &arguments, &place, *connections, duration).await;
                line += &format!(
                    " {:.3} + {:.3} = {:.3} | {:.2} |",
                    hand.each(0),
                    hand.each(1),
                    hand.cost(),
                    asked.cost() / hand.cost()
                );
            }
            println!("{line}");
        }
        println!(
            "\nserver memory: peak {:.0} MiB, current anonymous {:.0} MiB\n",
            server.memory("VmHWM"),
            server.memory("RssAnon")
        );
    }
    for question in &questions {
        println!("{}: {}", question.name, question.about);
    }
}

/// A connection to the database, which is seeded first if empty.
async fn seeded(arguments: &Arguments) -> Bare {
    let (database, program) = (&arguments.database, &arguments.program);
    let done =
        Command::new(program).args(["--database", database, "migrate", "up"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut bare = Bare::connect(database).await;
    if bare.fetch("SELECT id FROM prospects LIMIT 1", Vec::new()).await.keys().is_empty() {
        let seed = ["--database", database, "seed", "--scale", &arguments.scale];
        assert!(Command::new(program).args(seed).status().unwrap().success());
        let maintain = ["--database", database, "maintain", "--analyze"];
        assert!(Command::new(program).args(maintain).status().unwrap().success());
    }
    bare
}

/// Finds the rows that the queries use.
async fn look(bare: &mut Bare, arguments: &Arguments) -> Place {
    let one = |keys: Vec<i64>| *keys.first().unwrap();
    let prospects = bare.fetch("SELECT count(*) FROM prospects", Vec::new()).await;
    let large = "SELECT company_id FROM prospects GROUP BY company_id ORDER BY count(*) DESC, company_id LIMIT 20";
    let industry = "SELECT c.industry_id FROM prospects p JOIN companies c ON c.id = p.company_id \
                    WHERE p.is_active AND p.last_contacted_at IS NOT NULL AND c.size = '51-250' \
                    GROUP BY c.industry_id ORDER BY count(*) DESC, c.industry_id LIMIT 1";
    Place {
        prospects: one(prospects.keys()).cast_unsigned(),
        large: bare.fetch(large, Vec::new()).await.keys(),
        industry: one(bare.fetch(industry, Vec::new()).await.keys()),
        page: Default::default(),
        postgres: !arguments.database.starts_with("sqlite:"),
    }
}

/// The end of page 99 of Q5: its cursor and its last row.
async fn page_before(bare: &mut Bare, server: &Served, place: &Place) -> (String, i64, String) {
    const PAGES: &str = "query($since: DateTime!, $industry: ID!, $first: Int!, $after: String) { \
        prospects(first: $first, after: $after, filter: { isActive: { eq: true }, \
        lastContactedAt: { gte: $since }, company: { industryId: { eq: $industry }, size: { eq: \"51-250\" } } }, \
        orderBy: [{ lastContactedAt: DESC_NULLS_LAST }]) { totalCount pageInfo { endCursor } nodes { id } } }";
    let mut client = server.connect().await;
    let (mut after, mut left, mut last) = (Value::Null, 99 * 20, Value::Null);
    while left > 0 {
        let first = left.min(100);
        let variables = json!({ "since": SINCE, "industry": place.industry.to_string(), "first": first, "after": after });
        let answer: Value =
            serde_json::from_slice(client.ask(PAGES, &variables, "").await).unwrap();
        let page = &answer["data"]["prospects"];
        let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        if nodes.len() < first {
            println!(
                "Q5 has only {} rows in this database; using its last page",
                page["totalCount"]
            );
            break;
        }
        last = nodes.last().unwrap()["id"].clone();
        after = page["pageInfo"]["endCursor"].clone();
        left -= first;
    }
    let key = last.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let moment = if place.postgres {
        "SELECT 0, to_char(last_contacted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"') \
         FROM prospects WHERE id = $1"
    } else {
        "SELECT 0, last_contacted_at FROM prospects WHERE id = $1"
    };
    let moment = bare.fetch(moment, vec![Bind::Int(key)]).await.values(2);
    (moment[0][1].as_str().unwrap().to_owned(), key, after.as_str().unwrap().to_owned())
}

/// Compares a response with the rows of the hand-written statements; returns the number of statements.
async fn check(question: &Question, server: &Served, bare: &mut Bare, place: &Place) -> u64 {
    let mut client = server.connect().await;
    let mut statements = 0;
    for number in [1, 12_345, 777_777] {
        let variables = (question.variables)(place, number);
        let answer = client.ask(question.document, &variables, "Salesgraph-Cost: 1\r\n").await;
        let answer: Value = serde_json::from_slice(answer).unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        statements = answer["extensions"]["cost"]["statements"].as_u64().unwrap();
        if question.writes() {
            let payload = &answer["data"]["createOutreachDraft"];
            assert_eq!(payload["userErrors"], json!([]));
            assert_eq!(payload["outreachDraft"]["status"], "DRAFT");
            continue;
        }
        let rows = bare.ask(question, place, number).await;
        for (level, rows) in question.levels.iter().zip(rows) {
            let (told, by_hand) = (level.told(&answer["data"]), rows.values(level.fields.len()));
            assert!(!by_hand.is_empty(), "{}: no rows", question.name);
            assert_eq!(told, by_hand, "{} at {}", question.name, level.path);
        }
    }
    statements
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Sends requests to the server for `duration`, after one second of warm-up.
async fn serve(
    question: &'static Question,
    server: &Served,
    place: &Arc<Place>,
    connections: usize,
    duration: Duration,
) -> Figures {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(server.connect().await);
    }
    let process = server.process();
    let place = Arc::clone(place);
    let postgres = place.postgres;
    let asked = measure(clients, duration, &process, async move |client, number| {
        let variables = (question.variables)(&place, number);
        let answer = client.ask(question.document, &variables, "").await;
        assert!(answer.starts_with(b"{\"data\":{"), "{}", String::from_utf8_lossy(answer));
    });
    asked.await.on(postgres)
}

/// Runs the same queries through the driver alone.
async fn by_hand(
    question: &'static Question,
    arguments: &Arguments,
    place: &Arc<Place>,
    connections: usize,
    duration: Duration,
) -> Figures {
    // SQLite allows one writer at a time; several clients would block each other and sleep between retries.
    let alone = question.writes() && !place.postgres;
    let mut clients = Vec::new();
    for _ in 0..if alone { 1 } else { connections } {
        clients.push(Bare::connect(&arguments.database).await);
    }
    let place = Arc::clone(place);
    let postgres = place.postgres;
    let asked = measure(clients, duration, "self", async move |bare, number| {
        bare.ask(question, &place, number).await;
    });
    asked.await.on(postgres)
}

/// Runs the work of every client in a loop.
async fn measure<C: Send + 'static>(
    clients: Vec<C>,
    duration: Duration,
    process: &str,
    work: impl AsyncFn(&mut C, u64) + Clone + Send + 'static,
) -> Figures {
    const WARM_UP: Duration = Duration::from_secs(1);
    let local = tokio::task::LocalSet::new();
    let begin = Instant::now() + WARM_UP;
    let end = begin + duration;
    let mut tasks = Vec::new();
    for mut client in clients {
        let work = work.clone();
        tasks.push(local.spawn_local(async move {
            let mut times = Vec::new();
            loop {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let begun = Instant::now();
                if begun > end {
                    return times;
                }
                work(&mut client, number).await;
                if begun >= begin {
                    times.push(begun.elapsed());
                }
            }
        }));
    }
    let process = process.to_owned();
    let watch = local.spawn_local(async move {
        tokio::time::sleep_until(begin.into()).await;
        let (before, database) = (cpu::seconds(&process), Postgres::now());
        tokio::time::sleep_until(end.into()).await;
        [cpu::seconds(&process) - before, Postgres::now().since(&database)]
    });
    local
        .run_until(async move {
            let mut times = Vec::new();
            for task in tasks {
                times.extend(task.await.unwrap());
            }
            times.sort_unstable();
            Figures { times, seconds: duration.as_secs_f64(), cpu: watch.await.unwrap() }
        })
        .await
}

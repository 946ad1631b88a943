//! Measures bulk work as its users start it, over HTTP or with a command: imports, enrichment by rules, backups and
//! exports. Each measure stands beside a bare copy of the rows it has written, and beside another build of the program:
//!
//! ```sh
//! cargo bench --bench bulk                                    # SQLite, in target/
//! cargo bench --bench bulk -- --postgres postgres://user:password@localhost/postgres
//! cargo bench --bench bulk -- --baseline ../other/salesgraph
//! ```
//!
//! On Postgres, the databases `salesgraph_bulk_*` are created and dropped. CPU time is that of the program and, for
//! Postgres on this machine, of all processes named `postgres` that exist before and after the measure.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "run manually: an error ends the run")]
#![expect(clippy::cast_precision_loss, reason = "figures for human readers")]

mod bare;
#[path = "../cpu/mod.rs"]
mod cpu;
#[path = "../queries/served.rs"]
mod served;
mod sources;
mod upload;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::{Value, json};
use served::Served;

#[derive(Parser)]
struct Arguments {
    /// URL of a Postgres database from which the databases of the run are created. SQLite if omitted.
    #[arg(long)]
    postgres: Option<String>,
    /// The number of people to import. The other sources have as many prospects and records.
    #[arg(long, default_value_t = 50_000)]
    rows: u64,
    /// Another build of the program to measure first.
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Runs only these measures, and those they need: `people`, `sales-assistant`, `enrichment`, `backup`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn runs(&self, measure: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == measure)
    }
}

/// The time of a measure.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: f64,
    /// CPU seconds of the program, and of Postgres.
    cpu: [f64; 2],
}

/// A measure with its number of rows.
struct Figure {
    name: &'static str,
    rows: u64,
    spent: Spent,
}

/// A build of the program, and the database that it works on.
struct Build {
    program: PathBuf,
    database: String,
    folder: PathBuf,
}

impl Build {
    /// Runs a command to its end.
    fn command(&self, arguments: &[&str]) -> Spent {
        let postgres = cpu::Postgres::now();
        let (begun, before) = (Instant::now(), children());
        let done = Command::new(&self.program)
            .args(["--database", &self.database])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        Spent {
            wall: begun.elapsed().as_secs_f64(),
            cpu: [children() - before, cpu::Postgres::now().since(&postgres)],
        }
    }

    /// Runs a business action of an import over HTTP and waits until its job has this status.
    async fn act(&self, server: &Served, mutation: &str, status: &str) -> Spent {
        let postgres = cpu::Postgres::now();
        let (begun, before) = (Instant::now(), cpu::seconds(&server.process()));
        let mut client = server.connect().await;
        let told: Value =
            serde_json::from_slice(client.ask(mutation, &json!({}), "").await).unwrap();
        let id = told["data"]["act"]["importJob"]["id"].as_str();
        let id = id.unwrap_or_else(|| panic!("{mutation}: {told}")).to_owned();
        let query = "query ($id: ID!) { importJob(id: $id) { status } }";
        loop {
            let told = client.ask(query, &json!({ "id": id }), "").await;
            let told: Value = serde_json::from_slice(told).unwrap();
            if told["data"]["importJob"]["status"] == status {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Spent {
            wall: begun.elapsed().as_secs_f64(),
            cpu: [cpu::seconds(&server.process()) - before, cpu::Postgres::now().since(&postgres)],
        }
    }

    async fn people(&self, rows: u64) -> Vec<Figure> {
        self.command(&["migrate", "up"]);
        let server = Served::start(&self.program, &self.database);
        let file = sources::file(rows);
        let postgres = cpu::Postgres::now();
        let (begun, before) = (Instant::now(), cpu::seconds(&server.process()));
        upload::people(&server.address, &file).await;
        let preview = Spent {
            wall: begun.elapsed().as_secs_f64(),
            cpu: [cpu::seconds(&server.process()) - before, cpu::Postgres::now().since(&postgres)],
        };
        let job = |action: &str, more: &str| {
            format!(
                "mutation {{ act: {action}(input: {{ id: 1 {more} }}) {{ importJob {{ id }} }} }}"
            )
        };
        let commit = job("commitImportJob", ", candidates: CREATE");
        let commit = self.act(&server, &commit, "COMPLETED").await;
        let prospects = bare::copy(&self.database, "prospects").await;
        let enrich = self.act(&server, &job("enrichImportJob", ""), "COMPLETED").await;
        let undo = self.act(&server, &job("undoImportJob", ""), "UNDONE").await;
        let peak = server.memory("VmHWM");
        println!("  {}: peak memory {peak:.0} MiB", self.program.display());
        let figures = [
            ("preview of a file", preview),
            ("commit", commit),
            ("(bare copy of the prospects)", prospects),
            ("enrichment by rules", enrich),
            ("undo", undo),
        ];
        figures.map(|(name, spent)| Figure { name, rows, spent }).into()
    }

    async fn sales_assistant(&self, prospects: u64) -> Vec<Figure> {
        let source = self.folder.join("sales-assistant.db");
        let rows = sources::sales_assistant(&source, prospects).await;
        self.command(&["migrate", "up"]);
        let from = format!("sqlite:{}", source.display());
        let spent = self.command(&["import", "sales-assistant", "--from", &from]);
        let bare = bare::copy(&self.database, "interactions").await;
        vec![
            Figure { name: "import sales-assistant", rows, spent },
            Figure { name: "(bare copy of the interactions)", rows: prospects * 5, spent: bare },
        ]
    }

    async fn enrichment(&self, records: u64) -> Vec<Figure> {
        let source = self.folder.join("enrichment.db");
        let rows = sources::enrichment(&source, records).await;
        self.command(&["migrate", "up"]);
        let from = format!("sqlite:{}", source.display());
        let import = ["import", "enrichment", "--from", &from];
        let first = self.command(&import);
        let second = self.command(&import);
        vec![
            Figure { name: "import enrichment", rows, spent: first },
            Figure { name: "import enrichment again", rows, spent: second },
        ]
    }

    /// Backs up, restores and exports the database of the preceding measure.
    async fn backup(&self, server: Option<&str>, rows: u64) -> Vec<Figure> {
        let file = self.folder.join("bulk.backup");
        let _ = std::fs::remove_file(&file);
        let path = file.to_string_lossy().into_owned();
        let backup = self.command(&["backup", &path]);
        let export = self.command(&["export", "interactions", "--format", "csv"]);
        let database = empty(server, &self.folder, "restored").await;
        let other = Self { program: self.program.clone(), database, folder: self.folder.clone() };
        let restore = other.command(&["restore", &path]);
        let figures =
            [("backup", backup), ("export of the interactions", export), ("restore", restore)];
        figures.map(|(name, spent)| Figure { name, rows, spent }).into()
    }
}

/// CPU seconds of the processes that this one has started and that have ended.
fn children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let Some((_, fields)) = text.rsplit_once(") ") else { return 0.0 };
    let ticks = fields.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The URL of a new, empty database.
async fn empty(server: Option<&str>, folder: &Path, name: &str) -> String {
    if let Some(server) = server {
        return bare::new_database(server, &format!("salesgraph_bulk_{name}")).await;
    }
    let file = folder.join(format!("bulk-{name}.db"));
    for side in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{side}", file.display()));
    }
    format!("sqlite:{}", file.display())
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let own = PathBuf::from(env!("CARGO_BIN_EXE_salesgraph"));
    let programs: Vec<PathBuf> = arguments.baseline.iter().cloned().chain([own]).collect();
    let server = arguments.postgres.as_deref();
    let mut columns: Vec<Vec<Figure>> = Vec::new();
    for program in &programs {
        let mut figures = Vec::new();
        let build = async |name: &str| Build {
            program: program.clone(),
            database: empty(server, &folder, name).await,
            folder: folder.clone(),
        };
        if arguments.runs("people") {
            figures.extend(build("people").await.people(arguments.rows).await);
        }
        if arguments.runs("enrichment") {
            figures.extend(build("enrichment").await.enrichment(arguments.rows).await);
        }
        if arguments.runs("sales-assistant") || arguments.runs("backup") {
            let build = build("system").await;
            let imported = build.sales_assistant(arguments.rows).await;
            let rows = imported[0].rows;
            figures.extend(imported);
            if arguments.runs("backup") {
                figures.extend(build.backup(server, rows).await);
            }
        }
        columns.push(figures);
    }
    print(&columns);
    if let Some(server) = server {
        for name in ["people", "enrichment", "system", "restored"] {
            bare::drop_database(server, &format!("salesgraph_bulk_{name}")).await;
        }
    }
}

/// Prints the figures of each build, and the quotient of the first and the last one.
fn print(columns: &[Vec<Figure>]) {
    println!(
        "\n| | rows | seconds, rows/s (CPU of program + database) | quotient |\n|---|---|---|---|"
    );
    for (place, figure) in columns[0].iter().enumerate() {
        let cells: Vec<_> = columns.iter().map(|figures| cell(&figures[place])).collect();
        let last = columns[columns.len() - 1][place].spent.wall;
        let quotient = figure.spent.wall / last;
        println!("| {} | {} | {} | {quotient:.1} |", figure.name, figure.rows, cells.join(" → "));
    }
}

fn cell(figure: &Figure) -> String {
    let Spent { wall, cpu: [program, database] } = figure.spent;
    let speed = figure.rows as f64 / wall;
    format!("{wall:.1} s, {speed:.0}/s ({program:.1} + {database:.1})")
}

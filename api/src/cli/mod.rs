//! The command line. `--help` is the manual: what is written here is what users read.

mod background;
mod import;
mod keys;
mod lists;
mod log;
mod operations;

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use service::{
    Actor, Clock, Engine, Error, Result, Role, Scope, Store, SystemClock, demo,
    governance::change_log, identity::organization, operations::restore, read::zone_data,
};

use self::{
    import::Import,
    keys::Keys,
    log::LogOptions,
    operations::{Backup, Export, Maintain, Restore},
};
use crate::{
    http::{Server, Settings, connection, graphiql},
    progress::Bars,
    provider::{self, ProviderOptions},
};

/// How long providers that were asked are waited for at the end.
const PROVIDERS_GRACE: Duration = Duration::from_secs(30);

/// A GraphQL backend for sales prospecting: companies, prospects, events, interactions, outreach
/// drafts and AI research.
///
/// Without a command it serves: on an embedded database in data/salesgraph.db, which it makes and
/// fills with demo data, at 127.0.0.1:8000.
#[derive(Debug, Parser)]
#[command(name = "salesgraph", version = version(), max_term_width = 100)]
pub struct Program {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    log: LogOptions,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Args)]
struct Database {
    /// The database: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long = "database",
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:data/salesgraph.db"
    )]
    url: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrates the database and serves GraphQL and the GraphiQL page.
    Serve(Box<Serve>),
    /// Shows or changes the version of the database.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Fills an empty organization with demo data, all or nothing.
    Seed(Seed),
    /// Brings over a database of another system.
    #[command(subcommand)]
    Import(Import),
    /// Gives out keys for the API, lists them, takes them back.
    #[command(subcommand)]
    Keys(Keys),
    /// Copies the database, at one moment, into a file; the server may run on.
    Backup(Backup),
    /// Puts a backup in the place of the database: of a file, which is kept beside it, or of an empty Postgres
    /// database. No server may run on it.
    Restore(Restore),
    /// Looks after the database.
    Maintain(Maintain),
    /// Prints all rows of one kind.
    Export(Export),
    /// Prints the GraphQL schema.
    Schema,
}

#[derive(Clone, Debug, Default, Args)]
struct Serve {
    /// The address to listen on; 127.0.0.1:8000 when nothing is said.
    #[arg(long, env = "SALESGRAPH_LISTEN", value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Leaves a new embedded database empty.
    #[arg(long)]
    no_demo: bool,
    /// Fills a new embedded database with demo data also where others can reach the server.
    #[arg(long, conflicts_with = "no_demo")]
    demo: bool,
    /// The time zone data that time is grouped by; `bundled` by default.
    #[arg(long, env = "SALESGRAPH_TZDATA", value_enum)]
    tzdata: Option<TimeZoneData>,
    /// How many days the change log is kept; 400 when nothing is said.
    #[arg(long, env = "SALESGRAPH_KEEP_CHANGES", value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_changes: Option<u32>,
    /// A replica of the Postgres database, to read from while it shows all that has been written:
    /// `postgres://USER:PASSWORD@HOST/NAME`. All servers of a database name the same.
    #[arg(long, env = "SALESGRAPH_REPLICA", hide_env_values = true, value_name = "URL")]
    replica: Option<String>,
    #[command(flatten)]
    providers: ProviderOptions,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Applies every migration that is missing.
    Up,
    /// Takes back the newest migrations, with the tables they made and all that is in them; no server may
    /// run on the database. Make a backup first.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// Lists the migrations and whether each has been applied.
    Status,
}

#[derive(Debug, Args)]
struct Seed {
    /// How much.
    #[arg(long, value_enum, default_value_t = Scale::Small)]
    scale: Scale,
    /// Which organization; it is made when there is none.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scale {
    /// 200 companies, 2,000 prospects, 10,000 interactions.
    Small,
    /// 2,000 companies, 20,000 prospects, 100,000 interactions.
    Medium,
    /// 20,000 companies, 200,000 prospects, 1,000,000 interactions.
    Large,
    /// 200,000 companies, 2,000,000 prospects, 10,000,000 interactions.
    Huge,
}

impl Program {
    /// Does what the command line says.
    ///
    /// # Errors
    /// What went wrong, in words for the user.
    pub async fn run(self) -> Result<()> {
        // The log may go out over HTTP too.
        provider::prepare_tls();
        let _log = self.log.start()?;
        let url = &self.database.url;
        match self.command.unwrap_or(Command::Serve(Box::default())) {
            // What stands before the command counts too.
            Command::Serve(serve) => self.serve.with(&serve).run(url).await,
            Command::Migrate(migrate) => migrate.run(url).await,
            Command::Seed(seed) => seed.run(url).await,
            Command::Import(import) => import.run(url).await,
            Command::Keys(keys) => keys.run(url).await,
            Command::Backup(backup) => backup.run(url).await,
            Command::Restore(restore) => restore.run(url).await,
            Command::Maintain(maintain) => maintain.run(url).await,
            Command::Export(export) => export.run(url).await,
            Command::Schema => {
                say!("{}", crate::schema::sdl().trim_end());
                Ok(())
            }
        }
    }
}

/// Writes a line to standard output. Whoever reads it may have had enough.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::line(format_args!($($text)*))
    };
}
use say;

fn line(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn scope(store: &Store, organization: i64) -> Scope {
    Scope::new(store.clone(), organization, Actor::CommandLine, Role::Owner, clock())
}

/// The version of the program, and of its time zone data.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!("{} (time zone data {})", env!("CARGO_PKG_VERSION"), zone_data::bundled())
    });
    &VERSION
}

/// Where time zone data comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TimeZoneData {
    /// Bundled with this version: the same on every server.
    Bundled,
    /// The machine's own, which its packages keep current.
    System,
}

/// An address to listen on: a name is looked up (`localhost:8000`).
fn listen(text: &str) -> Result<SocketAddr, String> {
    let wrong =
        |error: io::Error| format!("it takes an address and a port, like 127.0.0.1:8000: {error}");
    let mut found = text.to_socket_addrs().map_err(wrong)?;
    found.next().ok_or_else(|| "there is no such address".to_owned())
}

impl Serve {
    fn with(self, other: &Self) -> Self {
        let listen = other.listen.or(self.listen);
        let keep_changes = other.keep_changes.or(self.keep_changes);
        let usual = other.settings == Settings::default();
        let mut settings = if usual { self.settings.clone() } else { other.settings.clone() };
        settings.require_keys |= self.settings.require_keys;
        settings.no_introspection |= self.settings.no_introspection;
        let replica = other.replica.clone().or(self.replica);
        let providers = other.providers.clone().or(self.providers);
        let no_demo = self.no_demo || other.no_demo;
        let demo = self.demo || other.demo;
        let tzdata = other.tzdata.or(self.tzdata);
        Self { listen, no_demo, demo, tzdata, keep_changes, replica, providers, settings }
    }

    async fn run(self, url: &str) -> Result<()> {
        if self.tzdata == Some(TimeZoneData::System) {
            zone_data::choose(zone_data::Source::System)?;
        }
        let store = Store::connect_with(url, self.replica.as_deref()).await?;
        store.migrate_up().await?;
        change_log::open(&store).await?;
        let listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8_000)));
        // Where others can reach the server nobody asked for made-up people.
        let wants_demo = self.demo || (!self.no_demo && listen.ip().is_loopback());
        if store.engine() == Engine::Sqlite && wants_demo && !organization::any(&store).await? {
            let rows = demo::found(&store, &clock(), demo::Scale::Small, &Bars::new()).await?;
            say!("A new database, filled with {rows} rows of demo data.");
        }
        let organization =
            organization::ensure(&store, &SystemClock, organization::DEFAULT).await?;
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
            Error::invalid("listen", format!("can't listen on {listen}: {error}"))
        })?;
        let address = listener.local_addr().unwrap_or(listen);
        let mut settings = self.settings;
        settings.require_keys |= !address.ip().is_loopback();
        let require_keys = settings.require_keys;
        let providers = self.providers.providers()?;
        let server = Server::new(store.clone(), organization, clock())
            .with(settings)
            .asking(providers.clone());
        if require_keys && !server.keys().any().await? {
            let message = format!(
                "at {address} others can reach the server, so it asks for keys, and there is none yet: \
                 salesgraph keys create --role owner"
            );
            return Err(Error::invalid("listen", message));
        }
        greet(address, require_keys);
        // Judging rows takes time in which no connection would be accepted.
        #[expect(clippy::disallowed_methods, reason = "it is ended below")]
        let lists = tokio::spawn(background::lists(store.clone()));
        let stopping = Arc::new(AtomicBool::new(false));
        // What is asked of providers is kept also while somebody hangs up.
        #[expect(clippy::disallowed_methods, reason = "it is ended below")]
        let enrichments =
            tokio::spawn(background::enrichments(store.clone(), providers, Arc::clone(&stopping)));
        let ended = tokio::select! {
            () = connection::serve(listener, server, stop()) => Ok(()),
            never = background::keep(store, self.keep_changes) => match never {},
        };
        lists.abort();
        // What was asked is paid for: the answer is kept, when it comes soon.
        stopping.store(true, Ordering::Relaxed);
        if tokio::time::timeout(PROVIDERS_GRACE, enrichments).await.is_err() {
            tracing::warn!("providers did not answer before the end; they are asked again");
        }
        ended
    }
}

/// Says where the server is. One to whom nobody listens serves all the same.
fn greet(address: SocketAddr, require_keys: bool) {
    use std::io::Write as _;
    let mut lines = vec![
        format!("salesgraph serves GraphQL at http://{address}/graphql"),
        format!("GraphiQL, to ask questions by hand, at http://{address}/"),
    ];
    if !graphiql::is_embedded() {
        lines
            .push("(this build could not embed GraphiQL: the page loads it from a CDN)".to_owned());
    }
    if require_keys {
        lines.push("Whoever asks shows a key: Authorization: Bearer KEY".to_owned());
    }
    let first = "A first query: { companies(first: 3) { nodes { name prospects(first: 2) { nodes { fullName } } } } }";
    lines.push(first.to_owned());
    for line in lines {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// Ends when the process is asked to stop.
async fn stop() {
    let interrupt = async { tokio::signal::ctrl_c().await.ok() };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

impl Migrate {
    async fn run(self, url: &str) -> Result<()> {
        if matches!(self, Self::Down { .. }) {
            // It takes tables away, with what is in them.
            restore::refuse_while_served(url).await?;
        }
        let store = match self {
            Self::Up => Store::connect(url).await?,
            Self::Down { .. } | Self::Status => Store::connect_existing(url).await?,
        };
        match self {
            Self::Up => {
                store.migrate_up().await?;
                // Whoever migrates by hand gets no demo data put in by `serve`.
                organization::ensure(&store, &SystemClock, organization::DEFAULT).await?;
            }
            Self::Down { steps } => {
                let applied = store.migrations().await?.iter().filter(|(_, done)| *done).count();
                if steps as usize > applied {
                    let message = format!("only {applied} migrations have been applied");
                    return Err(Error::invalid("steps", message));
                }
                store.migrate_down(steps).await?;
            }
            Self::Status => {}
        }
        for (name, applied) in store.migrations().await? {
            say!("{} {name}", if applied { "applied" } else { "missing" });
        }
        Ok(())
    }
}

impl Seed {
    async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect(url).await?;
        store.migrate_up().await?;
        change_log::open(&store).await?;
        let organization = organization::ensure(&store, &SystemClock, &self.organization).await?;
        let scale = match self.scale {
            Scale::Small => demo::Scale::Small,
            Scale::Medium => demo::Scale::Medium,
            Scale::Large => demo::Scale::Large,
            Scale::Huge => demo::Scale::Huge,
        };
        let begun = std::time::Instant::now();
        let rows = demo::seed(&scope(&store, organization), scale, &Bars::new()).await?;
        store.close().await?;
        let elapsed = begun.elapsed();
        let per_second = u128::from(rows) * 1_000 / elapsed.as_millis().max(1);
        say!("{rows} rows in {:.1} s: {per_second} rows a second", elapsed.as_secs_f64());
        Ok(())
    }
}

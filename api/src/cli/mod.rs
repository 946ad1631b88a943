//! The command line. The doc comments of the arguments are the help texts that users read.

mod background;
mod deprecated;
mod import;
mod import_csv;
mod keys;
mod log;
mod operations;
mod serve;
mod users;

use std::sync::{Arc, LazyLock};

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::{
    Actor, Clock, Error, Result, Role, Scope, Store, SystemClock, change_log, read::zone_data,
};
use service::{demo, identity::organization, operations::restore};

use self::{
    import::Import,
    keys::Keys,
    log::LogOptions,
    operations::{Backup, Export, Maintain, Restore},
    serve::Serve,
    users::{Organizations, Users},
};
use crate::{progress::Bars, provider};

/// A GraphQL backend for sales prospecting: companies, prospects, events, interactions, outreach
/// drafts and AI research.
///
/// Without a command, the program runs the server at 127.0.0.1:8000 on an embedded database in data/salesgraph.db,
/// which is created and filled with demo data if it does not exist.
#[derive(Debug, Parser)]
#[command(name = "salesgraph", version = version(), max_term_width = 100)]
pub struct Program {
    /// The command. Default: `serve`.
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
    /// Fills an empty organization with demo data, in one transaction.
    Seed(Seed),
    /// Removes demo data.
    #[command(subcommand)]
    Demo(Demo),
    /// Imports the database of another system, or a file.
    #[command(subcommand)]
    Import(Import),
    /// Creates, lists and revokes API keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Invites, lists, suspends and erases users.
    #[command(subcommand)]
    Users(Users),
    /// Creates and lists organizations.
    #[command(subcommand)]
    Organizations(Organizations),
    /// Copies a snapshot of the database into a file; the server may keep running.
    Backup(Backup),
    /// Replaces the database with a backup. The target is a database file, whose previous version is kept beside it, or
    /// an empty Postgres database. No server may use the database.
    Restore(Restore),
    /// Checks and maintains the database.
    Maintain(Maintain),
    /// Prints all rows of an entity.
    Export(Export),
    /// Prints the GraphQL schema.
    Schema,
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Applies all pending migrations.
    Up,
    /// Reverts the newest migrations and drops their tables with all data. No server may use the database. Make a backup
    /// first.
    Down {
        /// Number of migrations.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// Lists the migrations and whether each is applied.
    Status,
}

#[derive(Debug, Args)]
struct Seed {
    /// Size of the demo set.
    #[arg(long, value_enum, default_value_t = Scale::Small)]
    scale: Scale,
    /// The organization; created if it does not exist.
    #[arg(long, default_value = organization::DEFAULT)]
    organization: String,
}

#[derive(Debug, Subcommand)]
enum Demo {
    /// Lists the rows of the demo set that have not been modified or referenced since; with --commit, removes them.
    Remove {
        /// Removes the rows. Default: a dry run, which writes nothing.
        #[arg(long)]
        commit: bool,
        /// The organization.
        #[arg(long, default_value = organization::DEFAULT)]
        organization: String,
    },
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
    /// Executes the command.
    ///
    /// # Errors
    /// The failure, with a message for the user.
    pub async fn run(self) -> Result<()> {
        // Spans may be exported over HTTPS.
        provider::prepare_tls();
        let _log = self.log.start()?;
        deprecated::warn_about_arguments(std::env::args().skip(1));
        let url = &self.database.url;
        match self.command.unwrap_or(Command::Serve(Box::default())) {
            // Options before the command also apply.
            Command::Serve(serve) => Box::pin(self.serve.with(&serve).run(url)).await,
            Command::Migrate(migrate) => migrate.run(url).await,
            Command::Seed(seed) => seed.run(url).await,
            Command::Demo(demo) => demo.run(url).await,
            Command::Import(import) => import.run(url).await,
            Command::Keys(keys) => keys.run(url).await,
            Command::Users(users) => users.run(url).await,
            Command::Organizations(organizations) => organizations.run(url).await,
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

/// Prints a line to standard output. A closed pipe is not an error.
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

/// The version of the program and of its time zone data.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!("{} (time zone data {})", env!("CARGO_PKG_VERSION"), zone_data::bundled())
    });
    &VERSION
}

impl Migrate {
    async fn run(self, url: &str) -> Result<()> {
        if matches!(self, Self::Down { .. }) {
            // Reverting migrations drops tables with their data.
            restore::refuse_while_served(url).await?;
        }
        let store = match self {
            Self::Up => Store::connect(url).await?,
            Self::Down { .. } | Self::Status => Store::connect_existing(url).await?,
        };
        match self {
            Self::Up => {
                service::operations::migrate(&store).await?;
                // A database migrated explicitly gets no demo data from `serve`.
                organization::ensure(&store, &SystemClock, organization::DEFAULT).await?;
            }
            Self::Down { steps } => {
                let applied = store.migrations().await?.iter().filter(|(_, done)| *done).count();
                if steps as usize > applied {
                    let message = format!(
                        "`steps` must be at most {applied}, the number of applied migrations"
                    );
                    return Err(Error::invalid(engine::Reason::ValueOutOfRange, "steps", message));
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

impl Demo {
    async fn run(self, url: &str) -> Result<()> {
        let Self::Remove { commit, organization } = self;
        let store = Store::connect(url).await?;
        service::operations::migrate(&store).await?;
        let scope = scope(&store, organization::find(&store, &organization).await?);
        let removals = demo::remove(&scope, commit, &Bars::new()).await?;
        let word = if commit { "removed" } else { "to remove" };
        for removal in &removals {
            let demo::Removal { table, removed, changed, referenced, examples } = removal;
            say!(
                "{table:<20} {removed:>9} {word}; {changed} modified and {referenced} referenced rows are kept"
            );
            if !examples.is_empty() {
                let ids: Vec<_> = examples.iter().map(ToString::to_string).collect();
                let stay = changed + referenced;
                let more = if stay > examples.len() as u64 { ", …" } else { "" };
                say!("{:20} kept IDs: {}{more}", "", ids.join(", "));
            }
        }
        if !commit {
            say!(
                "Dry run: nothing was removed. To remove these rows: salesgraph demo remove --commit"
            );
        }
        store.close().await
    }
}

impl Seed {
    async fn run(self, url: &str) -> Result<()> {
        let store = Store::connect(url).await?;
        service::operations::migrate(&store).await?;
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
        say!("{rows} rows in {:.1} s ({per_second} rows per second)", elapsed.as_secs_f64());
        Ok(())
    }
}

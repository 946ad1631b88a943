//! `salesgraph serve`.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args, ValueEnum};
use engine::{
    Engine, Error, MIN_CONNECTIONS, Result, Store, SystemClock, change_log, read::zone_data,
};
use server::http::{Settings, connection};
use service::{
    demo,
    identity::{
        accounts::{self, Accounts},
        organization,
    },
};

use super::{background, clock, deprecated::DeprecatedOptions, say};
use crate::{
    graphiql, mail::MailOptions, product_server, progress::Bars, provider::ProviderOptions,
};

/// Grace period of provider requests in flight on shutdown.
const PROVIDERS_GRACE: Duration = Duration::from_secs(30);

/// Grace period of a mail that is being sent on shutdown: the timeout of an attempt, and the storage of its outcome.
const MAIL_GRACE: Duration = Duration::from_secs(35);

#[derive(Clone, Debug, Default, Args)]
pub(super) struct Serve {
    /// The address to listen on. Default: 127.0.0.1:8000.
    #[arg(long, env = "SALESGRAPH_LISTEN", value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Does not fill a new embedded database with demo data.
    #[arg(long)]
    no_demo: bool,
    /// Fills a new embedded database with demo data even if the server listens on a non-loopback address.
    #[arg(long, conflicts_with = "no_demo")]
    demo: bool,
    /// The time zone data for grouping by time. Default: `bundled`.
    #[arg(long, env = "SALESGRAPH_TZDATA", value_enum)]
    tzdata: Option<TimeZoneData>,
    /// Retention period of change log entries, in days. Default: 400.
    #[arg(long, env = "SALESGRAPH_CHANGE_RETENTION", value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    change_retention: Option<u32>,
    #[command(flatten)]
    deprecated: DeprecatedOptions,
    /// A read replica of the Postgres database: `postgres://USER:PASSWORD@HOST/NAME`. Clients still see every acknowledged
    /// write. All servers of a database use the same replica.
    #[arg(long, env = "SALESGRAPH_REPLICA", hide_env_values = true, value_name = "URL")]
    replica: Option<String>,
    /// The maximum number of connections to the Postgres database, and to its replica: at least 8. Default: 36, of which 16
    /// are for writes, 19 for reads and 1 for notifications.
    #[arg(long, env = "SALESGRAPH_CONNECTIONS", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u32).range(i64::from(MIN_CONNECTIONS)..=1_000))]
    connections: Option<u32>,
    #[command(flatten)]
    mail: MailOptions,
    #[command(flatten)]
    providers: ProviderOptions,
    #[command(flatten)]
    settings: Settings,
}

/// Source of time zone data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TimeZoneData {
    /// Bundled with this version: the same on every server.
    Bundled,
    /// The time zone data of the operating system.
    System,
}

/// Parses an address to listen on; host names are resolved (`localhost:8000`).
fn listen(text: &str) -> Result<SocketAddr, String> {
    let wrong = |error: io::Error| {
        format!("must be an address and a port, such as 127.0.0.1:8000: {error}")
    };
    let mut found = text.to_socket_addrs().map_err(wrong)?;
    found.next().ok_or_else(|| "the host name has no address".to_owned())
}

impl Serve {
    pub(super) fn with(self, other: &Self) -> Self {
        let listen = other.listen.or(self.listen);
        let change_retention = other.change_retention.or(self.change_retention);
        let deprecated = other.deprecated.or(self.deprecated);
        let usual = other.settings == Settings::default();
        let mut settings = if usual { self.settings.clone() } else { other.settings.clone() };
        settings.require_keys |= self.settings.require_keys;
        settings.no_introspection |= self.settings.no_introspection;
        settings.local_user |= self.settings.local_user;
        settings.no_rate_limits |= self.settings.no_rate_limits;
        if settings.allow_origin.is_empty() {
            settings.allow_origin.clone_from(&self.settings.allow_origin);
        }
        if settings.trusted_proxy.is_empty() {
            settings.trusted_proxy.clone_from(&self.settings.trusted_proxy);
        }
        settings.public_url = settings.public_url.or_else(|| self.settings.public_url.clone());
        let replica = other.replica.clone().or(self.replica);
        let mail = other.mail.clone().or(self.mail);
        let providers = other.providers.clone().or(self.providers);
        let no_demo = self.no_demo || other.no_demo;
        let demo = self.demo || other.demo;
        let tzdata = other.tzdata.or(self.tzdata);
        let connections = other.connections.or(self.connections);
        Self {
            listen,
            no_demo,
            demo,
            tzdata,
            change_retention,
            deprecated,
            replica,
            connections,
            mail,
            providers,
            settings,
        }
    }

    pub(super) async fn run(self, url: &str) -> Result<()> {
        let transport = self.mail.transport(self.settings.public_url.as_deref())?;
        if self.tzdata == Some(TimeZoneData::System) {
            zone_data::choose(zone_data::Source::System)?;
        }
        self.deprecated.warn();
        let store = Store::connect_with(url, self.replica.as_deref(), self.connections).await?;
        service::operations::migrate(&store).await?;
        change_log::open(&store).await?;
        let listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8_000)));
        // A server that is reachable from other machines gets no demo data unless requested.
        let wants_demo = self.demo || (!self.no_demo && listen.ip().is_loopback());
        if store.engine() == Engine::Sqlite && wants_demo && !organization::any(&store).await? {
            let rows = demo::found(&store, &clock(), demo::Scale::Small, &Bars::new()).await?;
            say!("Created a database with {rows} rows of demo data.");
        }
        let organization =
            organization::ensure(&store, &SystemClock, organization::DEFAULT).await?;
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
            Error::invalid(
                engine::Reason::ConfigurationInvalid,
                "listen",
                format!("failed to listen on {listen}: {error}"),
            )
        })?;
        let address = listener.local_addr().unwrap_or(listen);
        let mut settings = self.settings;
        settings.slow_threshold = self.deprecated.slow.unwrap_or(settings.slow_threshold);
        let change_retention = self.change_retention.or(self.deprecated.keep_changes);
        settings.require_keys |= !address.ip().is_loopback();
        let providers = self.providers.providers()?;
        let is_new = accounts::has_no_credentials(&store).await?;
        if settings.require_keys && is_new && settings.public_url.is_none() {
            let message = format!(
                "{address} requires authentication, but there is neither an API key nor an account; create a key with \
                 `salesgraph keys create --role owner`, or name the HTTPS address of the server with --public-url and \
                 create the first account there"
            );
            return Err(Error::invalid(engine::Reason::ConfigurationInvalid, "listen", message));
        }
        let links = settings.public_url.clone();
        let links = links.unwrap_or_else(|| local_url(address));
        let accounts =
            Accounts::new(store.clone(), clock(), service::catalog::tables(), Some(&links));
        let accounts = if transport.is_some() { accounts.with_mail() } else { accounts };
        let mut greeting =
            Greeting { address, requires_credentials: settings.require_keys, setup: None };
        if !is_new && settings.local_user {
            tracing::warn!(
                "--local-user: every program on this machine acts as owner, although there are API keys or accounts"
            );
        } else {
            greeting.requires_credentials |= !is_new;
        }
        if accounts::has_no_account(&store).await? {
            greeting.setup = Some((links, accounts.issue_setup_code()?));
        }
        let server = product_server::server(
            store.clone(),
            organization,
            clock(),
            providers.clone(),
            accounts.clone(),
        );
        let server = server.with(settings);
        greeting.print();
        // Computing verdicts is CPU-bound and would block accepting connections.
        #[expect(clippy::disallowed_methods, reason = "the task is ended below")]
        let lists = tokio::spawn(background::lists(store.clone()));
        let stopping = Arc::new(AtomicBool::new(false));
        // Provider responses are stored even if no client waits for them.
        #[expect(clippy::disallowed_methods, reason = "the task is ended below")]
        let enrichments =
            tokio::spawn(background::enrichments(store.clone(), providers, Arc::clone(&stopping)));
        #[expect(clippy::disallowed_methods, reason = "the task is ended below")]
        let mails = transport.map(|transport| {
            tokio::spawn(background::mails(accounts, transport, Arc::clone(&stopping)))
        });
        let ended = tokio::select! {
            () = connection::serve(listener, server, stop()) => Ok(()),
            never = background::claims(store.clone()) => match never {},
            never = background::stalls(store.clone()) => match never {},
            never = background::keep(store, change_retention) => match never {},
        };
        lists.abort();
        // Provider requests in flight will be charged, so their responses are awaited for a grace period and stored.
        stopping.store(true, Ordering::Relaxed);
        if tokio::time::timeout(PROVIDERS_GRACE, enrichments).await.is_err() {
            tracing::warn!(
                "provider requests did not finish within the grace period; they are retried after a restart"
            );
        }
        if let Some(mails) = mails
            && tokio::time::timeout(MAIL_GRACE, mails).await.is_err()
        {
            tracing::warn!("a mail was still being sent; it is sent again after a restart");
        }
        ended
    }
}

/// The address of a server on this machine, for links.
fn local_url(address: SocketAddr) -> String {
    if address.ip().is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        String::new()
    }
}

/// What the server prints when it starts.
struct Greeting {
    address: SocketAddr,
    requires_credentials: bool,
    /// Address of the page and setup code for the first account.
    setup: Option<(String, String)>,
}

impl Greeting {
    /// Prints the addresses of the server. A failure to print is ignored.
    fn print(self) {
        use std::io::Write as _;
        let address = self.address;
        let mut lines = vec![
            format!("GraphQL endpoint: http://{address}/graphql"),
            format!("GraphiQL: http://{address}/"),
        ];
        if !graphiql::is_embedded() {
            lines.push(
                "(GraphiQL is not embedded in this build; the page loads it from a CDN)".to_owned(),
            );
        }
        if self.requires_credentials {
            let text =
                "Requests require an API key (Authorization: Bearer KEY) or a session (/sign-in)";
            lines.push(text.to_owned());
        }
        if let Some((url, code)) = self.setup {
            lines.push(format!(
                "First account: {url}/sign-in#setup with the setup code {code} (valid for 30 minutes)"
            ));
        }
        let first = "Example query: { companies(first: 3) { nodes { name prospects(first: 2) { nodes { fullName } } } } }";
        lines.push(first.to_owned());
        for line in lines {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
}

/// Resolves on SIGINT or SIGTERM.
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

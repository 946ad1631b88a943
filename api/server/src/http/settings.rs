//! Limits and options of the server.

use std::time::Duration;

use clap::Args;
use ipnet::IpNet;

use super::rate_limit::RateLimit;
use crate::document::Limits;

/// Maximum size of a request body, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// Maximum body size, in bytes, of a request without an API key if the server requires one.
pub(super) const STRANGERS_BODY: usize = 16 * 1024;

/// Maximum number of open `WebSocket` connections, and of subscriptions.
pub(super) const MAX_SOCKETS: usize = 10_000;
pub(super) const MAX_SUBSCRIPTIONS: usize = 20_000;

/// Maximum number of concurrent file uploads: each file is held in memory, briefly twice.
pub(super) const MAX_UPLOADS: usize = 2;

/// Maximum number of running or queued queries and mutations per WebSocket.
pub(super) const RUNNING_OF_SOCKET: usize = 8;

/// Grace period of WebSocket operations on shutdown.
pub(super) const SOCKET_GRACE: Duration = Duration::from_secs(15);

/// Number of bytes of a rejected request's body that are read and discarded, so that the client receives the response.
pub(super) const MAX_DISCARDED: usize = 8 * 1024 * 1024;

/// Maximum total size of the headers, in bytes. hyper buffers the headers together with the URL.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// Maximum length of a URL, in bytes. hyper itself rejects URLs above 64 KiB.
pub(super) const MAX_ADDRESS_LENGTH: usize = 32 * 1024;

/// Buffer size for request headers: large enough to read oversized headers and reject them with a message.
pub(super) const HEAD_BUFFER: usize = 400 * 1024;

/// Maximum number of connections; further connections wait to be accepted.
pub(super) const MAX_CONNECTIONS: u32 = 10_000;

/// Grace period of requests in flight on shutdown.
pub(super) const GRACE: Duration = Duration::from_secs(25);

/// Maximum number of consecutive unanswered pings.
pub(super) const MISSED_PINGS: u32 = 3;

/// Options of the server.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub struct Settings {
    /// Requires an API key or a session for all requests, including those from localhost.
    #[arg(long, env = "SALESGRAPH_REQUIRE_KEYS")]
    pub require_keys: bool,
    /// Accepts requests from localhost without a credential even if there are accounts or API keys. Without this option, the
    /// local user exists only until the first API key or the first account with a password is created.
    #[arg(long, env = "SALESGRAPH_LOCAL_USER", conflicts_with = "require_keys")]
    pub local_user: bool,
    /// Address under which browsers reach the server: `https://sales.example`. Links begin with it.
    #[arg(long, env = "SALESGRAPH_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Network of a proxy whose `X-Forwarded-For` header is trusted: `10.0.0.0/8`. Repeatable.
    #[arg(long, env = "SALESGRAPH_TRUSTED_PROXY", value_name = "NETWORK", value_delimiter = ',')]
    #[arg(value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,
    /// Rate limit of an API key or session (`key`), a user or an address: `key=3000/1m`, with a window in s, m, h or d.
    /// Repeatable; replaces all defaults.
    #[arg(long, env = "SALESGRAPH_RATE_LIMIT", value_name = "LIMIT", value_delimiter = ',')]
    #[arg(default_values_t = RateLimit::defaults())]
    pub rate_limit: Vec<RateLimit>,
    /// Disables rate limits.
    #[arg(long, env = "SALESGRAPH_NO_RATE_LIMITS", conflicts_with = "rate_limit")]
    pub no_rate_limits: bool,
    /// Allowed CORS origin: `https://app.example`. Repeatable.
    #[arg(long, env = "SALESGRAPH_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    #[arg(value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// Disables introspection; GraphiQL loses documentation and completion.
    #[arg(long, env = "SALESGRAPH_NO_INTROSPECTION")]
    pub no_introspection: bool,
    /// Limits of a single request.
    #[command(flatten)]
    pub limits: Limits,
    /// Maximum concurrent operations; further operations are rejected with `SERVER_BUSY`.
    #[arg(long, env = "SALESGRAPH_MAX_CONCURRENT", value_name = "N", default_value_t = 256)]
    #[arg(value_parser = some)]
    pub max_concurrent: usize,
    /// Timeout of an operation, in seconds.
    #[arg(long, env = "SALESGRAPH_REQUEST_TIMEOUT", value_name = "SECONDS", default_value = "30")]
    #[arg(value_parser = seconds)]
    pub request_timeout: Duration,
    /// Timeout for the headers of a request, in seconds.
    #[arg(long, env = "SALESGRAPH_HEADER_TIMEOUT", value_name = "SECONDS", default_value = "20")]
    #[arg(value_parser = seconds)]
    pub header_timeout: Duration,
    /// Timeout for the body of a request, in seconds.
    #[arg(long, env = "SALESGRAPH_BODY_TIMEOUT", value_name = "SECONDS", default_value = "20")]
    #[arg(value_parser = seconds)]
    pub body_timeout: Duration,
    /// Timeout for `connection_init` on a WebSocket, in seconds.
    #[arg(long, env = "SALESGRAPH_SOCKET_INIT_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value = "30", value_parser = seconds)]
    pub socket_init_timeout: Duration,
    /// Interval of pings on a WebSocket, in seconds. The WebSocket is closed after three pings without a pong.
    #[arg(long, env = "SALESGRAPH_SOCKET_PING", value_name = "SECONDS", default_value = "20")]
    #[arg(value_parser = seconds)]
    pub socket_ping: Duration,
    /// Maximum concurrent operations of one WebSocket.
    #[arg(long, env = "SALESGRAPH_MAX_SUBSCRIPTIONS", value_name = "N", default_value_t = 100)]
    #[arg(value_parser = some)]
    pub max_subscriptions: usize,
    /// Threshold of the slow operation log, in milliseconds.
    #[arg(long, env = "SALESGRAPH_SLOW_THRESHOLD", value_name = "MILLISECONDS")]
    #[arg(default_value_t = 1_000)]
    pub slow_threshold: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            require_keys: false,
            local_user: false,
            public_url: None,
            trusted_proxy: Vec::new(),
            rate_limit: RateLimit::defaults(),
            no_rate_limits: false,
            allow_origin: Vec::new(),
            no_introspection: false,
            limits: Limits::default(),
            max_concurrent: 256,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(20),
            socket_init_timeout: Duration::from_secs(30),
            socket_ping: Duration::from_secs(20),
            max_subscriptions: 100,
            slow_threshold: 1_000,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number of seconds such as 30 or 0.5".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    let proper = (0.01..=86_400.0).contains(&seconds);
    if proper { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

fn some(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &usize| *number > 0);
    number.ok_or_else(|| "must be an integer of at least 1".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    origin(text.strip_suffix('/').unwrap_or(text))
}

/// Parses a network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| one())
        .map_err(|_| "must be a network or an address, such as 10.0.0.0/8 or 127.0.0.1".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', ' ']) => {
            Ok(text.to_lowercase())
        }
        _ => {
            Err("must be a scheme and host without a path, such as https://app.example".to_owned())
        }
    }
}

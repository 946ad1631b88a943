//! What the server counts, as Prometheus reads it, and what it says of each operation in the log.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use async_graphql::parser::types::OperationType;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::Server;

/// The most names of operations that are told apart; clients choose them, and each costs memory.
const MOST_NAMES: usize = 200;

/// The longest name of an operation that is told apart.
const LONGEST_NAME: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Done {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    side: &'static str,
    state: &'static str,
}

/// What is told of an operation.
pub(super) struct Report<'r> {
    /// Kind of the operation.
    pub(super) kind: OperationType,
    /// Under which name.
    pub(super) name: Option<&'r str>,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// How many statements.
    pub(super) statements: u64,
    /// What it might have cost.
    pub(super) cost: u64,
    /// The codes of its errors.
    pub(super) codes: &'r [String],
}

/// The counters of a server.
pub(super) struct Metrics {
    registry: Registry,
    operations: Family<Done, Counter>,
    latency: Family<Named, Histogram, fn() -> Histogram>,
    refusals: Family<Reason, Counter>,
    statements: Counter<u64, AtomicU64>,
    pool: Family<Pool, Gauge>,
    subscribers: Gauge<i64, AtomicI64>,
    sockets: Gauge<i64, AtomicI64>,
    lag: Gauge<f64, AtomicU64>,
    replica_age: Gauge<f64, AtomicU64>,
    names: Mutex<HashSet<String>>,
}

/// Counted as long as it is there.
pub(super) struct Counted(Gauge<i64, AtomicI64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn buckets() -> Histogram {
    // From half a millisecond to sixteen seconds.
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

impl Metrics {
    /// Counters that stand at nothing.
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("salesgraph");
        let operations = Family::default();
        registry.register("operations", "Operations that were run", operations.clone());
        let latency = Family::new_with_constructor(buckets as fn() -> Histogram);
        let about = "How long operations took, by their names";
        registry.register_with_unit("operation_duration", about, Unit::Seconds, latency.clone());
        let refusals = Family::default();
        registry.register("refusals", "Requests that were not run, by reason", refusals.clone());
        let statements = Counter::default();
        registry.register("statements", "Statements sent to the database", statements.clone());
        let pool = Family::default();
        registry.register("connections", "Connections to the database", pool.clone());
        let subscribers = Gauge::default();
        registry.register("subscribers", "Subscriptions that run", subscribers.clone());
        let sockets = Gauge::default();
        registry.register("sockets", "WebSockets that are open", sockets.clone());
        let lag = Gauge::default();
        let about = "How old the oldest entry of the change log is that can't be read yet";
        registry.register_with_unit("change_log_lag", about, Unit::Seconds, lag.clone());
        let replica_age = Gauge::default();
        let about = "How old what the replica shows may be; 0 where there is none";
        registry.register_with_unit("replica_age", about, Unit::Seconds, replica_age.clone());
        let names = Mutex::default();
        Self {
            registry,
            operations,
            latency,
            refusals,
            statements,
            pool,
            subscribers,
            sockets,
            lag,
            replica_age,
            names,
        }
    }

    /// One more subscription, until what is given is dropped.
    pub(super) fn subscriber(&self) -> Counted {
        self.subscribers.inc();
        Counted(self.subscribers.clone())
    }

    /// One more socket, until what is given is dropped.
    pub(super) fn socket(&self) -> Counted {
        self.sockets.inc();
        Counted(self.sockets.clone())
    }

    /// A request was not run.
    pub(super) fn refused(&self, reason: &str) {
        self.refusals.get_or_create(&Reason { reason: reason.to_ascii_lowercase() }).inc();
    }

    /// An operation was run: counted, and told in the log; in the span of its request.
    pub(super) fn done(&self, report: &Report<'_>, slow: u64) {
        let Report { elapsed, statements, cost, codes, .. } = *report;
        let kind = word(report.kind);
        let outcome = if codes.is_empty() { "answered" } else { "errors" };
        self.operations.get_or_create(&Done { kind, outcome }).inc();
        let named = Named { operation: self.told_apart(report.name.unwrap_or("anonymous")) };
        self.latency.get_or_create(&named).observe(elapsed.as_secs_f64());
        let name = report.name.unwrap_or_default();
        let milliseconds = elapsed.as_secs_f64() * 1_000.0;
        let codes = codes.join(",");
        if elapsed >= Duration::from_millis(slow) {
            tracing::warn!(kind, name, milliseconds, statements, cost, codes, "slow operation");
        } else if !codes.is_empty() {
            tracing::info!(kind, name, milliseconds, statements, cost, codes, "operation");
        } else {
            // To write a line takes as long as to answer.
            tracing::debug!(kind, name, milliseconds, statements, cost, codes, "operation");
        }
    }

    /// The name, or `other` when there are too many.
    fn told_apart(&self, name: &str) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return name.to_owned();
        }
        if names.len() >= MOST_NAMES || name.len() > LONGEST_NAME {
            return "other".to_owned();
        }
        names.insert(name.to_owned());
        name.to_owned()
    }

    /// All counters in the text format of `OpenMetrics`.
    pub(super) async fn text(&self, server: &Server) -> String {
        let counted = server.store.statements();
        self.statements.inc_by(counted.saturating_sub(self.statements.get()));
        for (side, (all, idle)) in ["read", "write"].into_iter().zip(server.store.connections()) {
            let busy = all.saturating_sub(idle);
            for (state, number) in [("idle", idle), ("busy", busy)] {
                self.pool.get_or_create(&Pool { side, state }).set(number.into());
            }
        }
        if let Some(age) = server.store.replica_age() {
            self.replica_age.set(age.as_secs_f64());
        }
        if let Ok(lag) = server.feed.lag(server.clock.now()).await {
            self.lag.set(lag.as_seconds_f64());
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("the counters could not be written");
        }
        text
    }
}

fn word(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The counters of a server, shared by all that it does.
pub(super) type SharedMetrics = Arc<Metrics>;

//! Metrics in the Prometheus format, and the log message of each operation.

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

/// Maximum number of distinct operation names: clients choose the names, and each name costs memory.
const MAX_NAMES: usize = 200;

/// Maximum length in bytes of an operation name that is counted separately.
const MAX_NAME_LENGTH: usize = 100;

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

/// Measurements of one operation.
pub(super) struct OperationMeasurements<'r> {
    /// Kind of the operation.
    pub(super) kind: OperationType,
    /// Operation name.
    pub(super) name: Option<&'r str>,
    /// Elapsed time.
    pub(super) elapsed: Duration,
    /// Number of SQL statements.
    pub(super) statements: u64,
    /// Query cost.
    pub(super) cost: u64,
    /// Error codes.
    pub(super) codes: &'r [String],
}

/// The metrics of a server.
pub(super) struct Metrics {
    registry: Registry,
    operations: Family<Done, Counter>,
    latency: Family<Named, Histogram, fn() -> Histogram>,
    refusals: Family<Reason, Counter>,
    statements: Counter<u64, AtomicU64>,
    pool: Family<Pool, Gauge>,
    subscribers: Gauge<i64, AtomicI64>,
    sockets: Gauge<i64, AtomicI64>,
    quotas: Gauge<i64, AtomicI64>,
    lag: Gauge<f64, AtomicU64>,
    replica_age: Gauge<f64, AtomicU64>,
    names: Mutex<HashSet<String>>,
}

/// A guard that counts as one until it is dropped.
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
    /// Creates metrics at zero.
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("salesgraph");
        let operations = Family::default();
        registry.register("operations", "Executed operations", operations.clone());
        let latency = Family::new_with_constructor(buckets as fn() -> Histogram);
        let about = "Duration of operations, by name";
        registry.register_with_unit("operation_duration", about, Unit::Seconds, latency.clone());
        let refusals = Family::default();
        registry.register("rejected_requests", "Rejected requests, by reason", refusals.clone());
        let about = "Deprecated: use salesgraph_rejected_requests";
        registry.register("refusals", about, refusals.clone());
        let statements = Counter::default();
        registry.register("statements", "Statements sent to the database", statements.clone());
        let pool = Family::default();
        registry.register("connections", "Database connections", pool.clone());
        let subscribers = Gauge::default();
        registry.register("subscribers", "Active subscriptions", subscribers.clone());
        let sockets = Gauge::default();
        registry.register("sockets", "Open WebSockets", sockets.clone());
        let quotas = Gauge::default();
        let about = "Remembered quotas of rate limits";
        registry.register("rate_limit_quotas", about, quotas.clone());
        let lag = Gauge::default();
        let about = "Age of the oldest change log entry that can't be read yet";
        registry.register_with_unit("change_log_lag", about, Unit::Seconds, lag.clone());
        let replica_age = Gauge::default();
        let about = "Replication lag of the read replica; 0 if there is none";
        registry.register_with_unit("replication_lag", about, Unit::Seconds, replica_age.clone());
        let about = "Deprecated: use salesgraph_replication_lag_seconds";
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
            quotas,
            lag,
            replica_age,
            names,
        }
    }

    /// Counts one more subscription until the returned guard is dropped.
    pub(super) fn subscriber(&self) -> Counted {
        self.subscribers.inc();
        Counted(self.subscribers.clone())
    }

    /// Counts one more WebSocket until the returned guard is dropped.
    pub(super) fn socket(&self) -> Counted {
        self.sockets.inc();
        Counted(self.sockets.clone())
    }

    /// Counts a request that was rejected.
    pub(super) fn refused(&self, reason: &str) {
        self.refusals.get_or_create(&Reason { reason: reason.to_ascii_lowercase() }).inc();
    }

    /// Counts and logs an executed operation, within the span of its request.
    pub(super) fn done(&self, report: &OperationMeasurements<'_>, slow: u64) {
        let OperationMeasurements { elapsed, statements, cost, codes, .. } = *report;
        let kind = word(report.kind);
        let outcome = if codes.is_empty() { "answered" } else { "errors" };
        self.operations.get_or_create(&Done { kind, outcome }).inc();
        let named = Named { operation: self.operation_label(report.name.unwrap_or("anonymous")) };
        self.latency.get_or_create(&named).observe(elapsed.as_secs_f64());
        let name = report.name.unwrap_or_default();
        let milliseconds = elapsed.as_secs_f64() * 1_000.0;
        let codes = codes.join(",");
        if elapsed >= Duration::from_millis(slow) {
            tracing::warn!(kind, name, milliseconds, statements, cost, codes, "slow operation");
        } else if !codes.is_empty() {
            tracing::info!(kind, name, milliseconds, statements, cost, codes, "operation");
        } else {
            // Logged at debug level, because writing a log line takes as long as answering the request.
            tracing::debug!(kind, name, milliseconds, statements, cost, codes, "operation");
        }
    }

    /// The operation name, or `other` once there are too many distinct names.
    fn operation_label(&self, name: &str) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return name.to_owned();
        }
        if names.len() >= MAX_NAMES || name.len() > MAX_NAME_LENGTH {
            return "other".to_owned();
        }
        names.insert(name.to_owned());
        name.to_owned()
    }

    /// All metrics in the `OpenMetrics` text format.
    pub(super) async fn text(&self, server: &Server) -> String {
        let counted = server.store.statements();
        self.statements.inc_by(counted.saturating_sub(self.statements.get()));
        for (side, (all, idle)) in ["read", "write"].into_iter().zip(server.store.connections()) {
            let busy = all.saturating_sub(idle);
            for (state, number) in [("idle", idle), ("busy", busy)] {
                self.pool.get_or_create(&Pool { side, state }).set(number.into());
            }
        }
        let quotas = server.rate_limits.remembered();
        self.quotas.set(quotas.try_into().unwrap_or(i64::MAX));
        if let Some(age) = server.store.replica_age() {
            self.replica_age.set(age.as_secs_f64());
        }
        if let Ok(lag) = server.feed.lag(server.clock.now()).await {
            self.lag.set(lag.as_seconds_f64());
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("failed to encode the metrics");
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

/// The metrics of a server, shared by all its tasks.
pub(super) type SharedMetrics = Arc<Metrics>;

//! Enrichment of prospects with data from providers.
//!
//! A job of the kind [`ENRICHMENT`](crate::ingest::import_job::kind::ENRICHMENT) has a record per prospect. Workers lease
//! records, call [providers](Provider) outside of any transaction, and store the result in one transaction: values,
//! their provenance, usage logs, and the status of the record and its job. If no call leaves the server, the worker
//! enriches hundreds of records in one transaction, without a lease.

mod apply;
mod cache;
mod context;
mod drafts;
mod field;
mod imported_messages;
mod lease;
mod ledger;
mod local_batch;
mod plan;
mod provider;
mod provider_calls;
mod record_result;
mod rule_provider;
mod run;
mod start;
mod undo;

pub use cache::expire;
pub use field::{FIELDS, Field};
pub(crate) use imported_messages::write_to;
pub use plan::{MAX_VARIANTS, POLICIES, PROVIDERS, Plan};
pub use provider::{
    Failure, Known, Provider, ProviderRequest, ProviderResponse, ProviderResult, Providers,
    UsageCharge, Value, Variant,
};
pub use rule_provider::RuleProvider;
pub use run::Worker;
pub use start::{EnrichmentTarget, MAX_PEOPLE, begin, matching};
pub(crate) use undo::{next as next_to_undo, take_back, take_out};

use chrono::TimeDelta;

/// Duration of a lease, after which another worker may claim the record.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// Maximum number of attempts per record.
pub const ATTEMPTS: i64 = 3;

/// Minimum confidence at which a value is used.
pub const LEAST_CONFIDENCE: f64 = 0.3;

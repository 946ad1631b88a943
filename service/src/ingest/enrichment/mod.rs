//! Enrichment of prospects with data from providers.
//!
//! A job of the kind [`ENRICHMENT`](super::import_job::kind::ENRICHMENT) has a record per prospect. Workers lease
//! records, call [providers](Provider) outside of any transaction, and store the result in one transaction: values,
//! their provenance, usage logs, and the status of the record and its job.

mod apply;
mod begin;
mod cache;
mod claim;
mod drafts;
mod field;
mod finish;
mod ledger;
mod offline;
mod plan;
mod promoted;
mod provider;
mod run;
mod undo;

pub use begin::{MOST_PEOPLE, Whom, begin, matching};
pub use cache::expire;
pub use field::{FIELDS, Field};
pub use offline::Offline;
pub use plan::{MOST_VARIANTS, POLICIES, PROVIDERS, Plan};
pub(super) use promoted::write_to;
pub use provider::{
    Answer, Ask, Charge, Failure, Found, Known, Provider, Providers, Value, Variant,
};
pub use run::Worker;
pub(super) use undo::{next as next_to_undo, take_back, take_out};

use chrono::TimeDelta;

/// Duration of a lease, after which another worker may claim the record.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// Maximum number of attempts per record.
pub const ATTEMPTS: i64 = 3;

/// Minimum confidence at which a value is used.
pub const LEAST_CONFIDENCE: f64 = 0.3;

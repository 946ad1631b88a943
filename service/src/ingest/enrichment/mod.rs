//! Enrichment: providers are asked about people we know, and what they find is filled in.
//!
//! A job of the kind [`ENRICHMENT`](super::import_job::kind::ENRICHMENT) has a record for each person. Workers
//! claim records for a time, ask [providers](Provider) outside of any transaction, and keep what came of
//! it in one: values, where they came from, what it cost, and the state of record and job.

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

/// How long a worker may take over a record, before another takes it over.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);

/// How often a record is tried.
pub const ATTEMPTS: i64 = 3;

/// What is less sure than this is not worth keeping.
pub const LEAST_CONFIDENCE: f64 = 0.3;

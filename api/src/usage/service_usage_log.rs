//! The ledger of paid calls to services in GraphQL.

use salesgraph_macros::Entity;
use service::usage::service_usage_log::{KINDS, rules, table};

use crate::{
    graph::{DateTime, EnumType, Json, Of, One, Vocabulary},
    ingest::{import_job::ImportJob, import_record::ImportRecord},
};

/// One paid call that is no call to a language model: a look-up, minutes of a browser, an operation of a store.
#[derive(Entity)]
#[entity(table = table, plural = "serviceUsageLogs", writes = rules)]
pub struct ServiceUsageLog {
    /// What was paid for.
    pub kind: Of<ServiceUsageKind>,
    /// Who was paid.
    pub provider: String,
    /// What was done.
    pub operation: String,
    /// With what: the key of an object, the id of a session.
    pub resource: Option<String>,
    /// In which bucket of a store.
    pub bucket: Option<String>,
    /// How much was used.
    pub quantity: Option<f64>,
    /// In what it is measured.
    pub unit: Option<String>,
    /// What one of it costs, in US dollars.
    pub unit_cost: Option<f64>,
    /// What the cost consists of: a list of objects with `amount`, in US dollars.
    pub charges: Option<Json>,
    /// What it cost, in US dollars; the sum of the charges, or quantity by price, when nothing is said.
    #[entity(sort)]
    pub cost: f64,
    /// How many tokens it took.
    pub tokens: Option<i32>,
    /// What the provider calls the request.
    pub request_id: Option<String>,
    /// How large the object was, in bytes.
    pub size_bytes: Option<i32>,
    /// What kind of object it was.
    pub content_type: Option<String>,
    /// How long the call took, in milliseconds.
    pub latency_ms: Option<i32>,
    /// How long what was used was used, in milliseconds.
    pub duration_ms: Option<i32>,
    /// What came of it: `success`, `failed`.
    pub status: Option<String>,
    /// The status of HTTP.
    pub status_code: Option<i32>,
    /// How large the request was, in bytes.
    pub request_size_bytes: Option<i32>,
    /// How large the answer was, in bytes.
    pub response_size_bytes: Option<i32>,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether this server made the call and paid for it: only such calls count towards the setting
    /// `daily_spend_limit`.
    pub is_paid_by_server: bool,
    /// When it began.
    pub started_at: Option<DateTime>,
    /// When it ended.
    pub completed_at: Option<DateTime>,
    /// The enrichment that it was done for.
    pub import_job: Option<One<ImportJob>>,
    /// Its record.
    pub import_record: Option<One<ImportRecord>>,
}

/// `service_usage_logs.kind`.
pub enum ServiceUsageKind {}

impl Vocabulary for ServiceUsageKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ServiceUsageKind", about: "What was paid for.", words: KINDS }
    }
}

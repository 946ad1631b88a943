//! The usage log of paid service calls in GraphQL.

use salesgraph_macros::Entity;
use service::usage::service_usage_log::{KINDS, rules, table};

use crate::ingest::{import_job::ImportJob, import_record::ImportRecord};
use graph::{DateTime, EnumColumn, EnumType, Json, One, Vocabulary};

/// A paid service call other than a language-model call: a lookup, browser time, a storage operation.
#[derive(Entity)]
#[entity(table = table, plural = "serviceUsageLogs", read = Read, writes = rules, write = WriteAll)]
pub struct ServiceUsageLog {
    /// Kind of usage.
    pub kind: EnumColumn<ServiceUsageKind>,
    /// Provider.
    pub provider: String,
    /// Operation.
    pub operation: String,
    /// Resource: the key of an object, the ID of a session.
    pub resource: Option<String>,
    /// Storage bucket.
    pub bucket: Option<String>,
    /// Quantity.
    pub quantity: Option<f64>,
    /// Unit of the quantity.
    pub unit: Option<String>,
    /// Price of a unit, in US dollars.
    pub unit_cost: Option<f64>,
    /// Charges: a list of objects with `amount`, in US dollars.
    pub charges: Option<Json>,
    /// Cost in US dollars. Default: the sum of the charges, or quantity times price.
    #[entity(sort)]
    pub cost: f64,
    /// Number of tokens.
    pub tokens: Option<i32>,
    /// Request ID of the provider.
    pub request_id: Option<String>,
    /// Size of the object, in bytes.
    pub size_bytes: Option<i32>,
    /// Content type of the object.
    pub content_type: Option<String>,
    /// Duration of the call, in milliseconds.
    pub latency_ms: Option<i32>,
    /// Duration of the use, in milliseconds.
    pub duration_ms: Option<i32>,
    /// Outcome: `success`, `failed`.
    pub status: Option<String>,
    /// HTTP status code.
    pub status_code: Option<i32>,
    /// Size of the request, in bytes.
    pub request_size_bytes: Option<i32>,
    /// Size of the response, in bytes.
    pub response_size_bytes: Option<i32>,
    /// Error of a failure.
    pub error: Option<String>,
    /// Whether this server made the call and paid for it: only such calls count towards the setting
    /// `daily_spend_limit`.
    pub is_paid_by_server: bool,
    /// Start time.
    pub started_at: Option<DateTime>,
    /// End time.
    pub completed_at: Option<DateTime>,
    /// The enrichment that made the call.
    pub import_job: Option<One<ImportJob>>,
    /// The record that the call was made for.
    pub import_record: Option<One<ImportRecord>>,
}

/// `service_usage_logs.kind`.
pub enum ServiceUsageKind {}

impl Vocabulary for ServiceUsageKind {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "ServiceUsageKind", about: "Kind of paid service.", words: KINDS }
    }
}

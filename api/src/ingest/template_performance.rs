//! Performance of message templates in GraphQL.

use salesgraph_macros::Entity;
use service::ingest::template_performance::{rules, table};

use super::import_job::ImportJob;
use crate::outreach::message_template::MessageTemplate;
use graph::One;

/// A performance measurement of a message template.
#[derive(Entity)]
#[entity(table = table, plural = "templatePerformances", read = Read, writes = rules, write = WriteAll)]
pub struct TemplatePerformance {
    /// The template.
    pub message_template: One<MessageTemplate>,
    /// The import job in which it was measured.
    pub import_job: Option<One<ImportJob>>,
    /// Open rate, from 0 to 1.
    pub open_rate: Option<f64>,
    /// Reply rate, from 0 to 1.
    pub response_rate: Option<f64>,
    /// Conversion rate, from 0 to 1.
    pub conversion_rate: Option<f64>,
}

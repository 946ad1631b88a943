//! How templates did, in GraphQL.

use salesgraph_macros::Entity;
use service::outreach::template_performance::{rules, table};

use super::message_template::MessageTemplate;
use crate::{graph::One, ingest::import_job::ImportJob};

/// How a template did, as somebody measured it.
#[derive(Entity)]
#[entity(table = table, plural = "templatePerformances", writes = rules)]
pub struct TemplatePerformance {
    /// The template.
    pub message_template: One<MessageTemplate>,
    /// The list in which it was measured.
    pub import_job: Option<One<ImportJob>>,
    /// How many of the messages were opened, from 0 to 1.
    pub open_rate: Option<f64>,
    /// How many were answered, from 0 to 1.
    pub response_rate: Option<f64>,
    /// How many led to what they were for, from 0 to 1.
    pub conversion_rate: Option<f64>,
}

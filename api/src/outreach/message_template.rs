//! Message templates in GraphQL.

use engine::{Scope, Value};
use salesgraph_macros::Entity;
use service::outreach::message_template::{TYPES, answered, rules, table};

use super::outreach_draft::OutreachDraft;
use crate::ingest::template_performance::TemplatePerformance;
use crate::usage::report::part;
use graph::{EnumColumn, EnumType, Json, Many, RowView, Vocabulary, error::Result};

/// A message template with variables: `Dear {{first_name}}`. Changing the text creates a new version; one version of
/// each name and type is active. Built-in variables come from the prospect: `full_name`, `first_name`,
/// `last_name`, `email`, `phone`, `job_title`, `location`, `linkedin_url`, `company_name`, `company_website`,
/// `company_size`, `industry`.
#[derive(Entity)]
#[entity(table = table, plural = "messageTemplates", read = Read, writes = rules, write = WriteAll)]
pub struct MessageTemplate {
    /// Name.
    #[entity(sort)]
    pub name: String,
    /// Type.
    pub template_type: EnumColumn<MessageTemplateType>,
    /// Content.
    pub template_text: String,
    /// Names of the variables. Default: the variables used in the text, all of which must then be built-in variables.
    /// Variables that are passed to `renderMessageTemplate` must be declared here.
    pub variables: Option<Json>,
    /// Language tag: `de`, `en-GB`.
    pub locale: Option<String>,
    /// Version number, starting at 1.
    pub version: i32,
    /// Whether this is the active version.
    pub is_active: bool,
    /// Number of renderings.
    pub usage_count: i32,
    /// Reply rate of sent drafts, from 0 to 1. Until a draft is sent, this is the imported rate. Null if unknown.
    #[entity(computed = success_rate, needs("id", "success_rate"))]
    pub success_rate: Option<f64>,
    /// Performance measurements.
    pub template_performances: Many<TemplatePerformance>,
    /// Drafts that use the template.
    pub outreach_drafts: Many<OutreachDraft>,
}

async fn success_rate(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<f64>>> {
    let keys = RowView::keys(&rows);
    let found = answered(scope, &keys).await?;
    let rate = |row: &RowView<'_>| match found.get(&row.cell(0).key()?) {
        Some((sent, replied)) => part(*replied, *sent),
        None => match row.cell(1) {
            Value::Double(told) => Some(*told),
            _ => None,
        },
    };
    Ok(rows.iter().map(rate).collect())
}

/// `message_templates.template_type`.
pub enum MessageTemplateType {}

impl Vocabulary for MessageTemplateType {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "MessageTemplateType",
            about: "Type of a message template.",
            words: TYPES,
        }
    }
}

//! Templates of messages in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope, Value,
    outreach::message_template::{TYPES, answered, rules, table},
};

use super::{outreach_draft::OutreachDraft, template_performance::TemplatePerformance};
use crate::{
    error::Result,
    graph::{EnumType, Json, Many, Of, RowView, Vocabulary},
    usage::report::part,
};

/// A text that is used again, with variables: `Dear {{first_name}}`. A new text is a new version, and of each name and
/// type one version is active. What is known of a prospect is filled in by itself: `full_name`, `first_name`,
/// `last_name`, `email`, `phone`, `job_title`, `location`, `linkedin_url`, `company_name`, `company_website`,
/// `company_size`, `industry`.
#[derive(Entity)]
#[entity(table = table, plural = "messageTemplates", writes = rules)]
pub struct MessageTemplate {
    /// What it is called.
    #[entity(sort)]
    pub name: String,
    /// What it is for.
    pub template_type: Of<MessageTemplateType>,
    /// The text.
    pub template_text: String,
    /// The names of its variables. Default: those that stand in the text, which must be known of prospects. A variable that
    /// is said only when the template is rendered must be declared here.
    pub variables: Option<Json>,
    /// Its language: `de`, `en-GB`.
    pub locale: Option<String>,
    /// Counts the versions, starting at 1.
    pub version: i32,
    /// Whether it is the version in use.
    pub is_active: bool,
    /// How often it was filled in.
    pub usage_count: i32,
    /// How many of the messages that were made of it and sent were answered, from 0 to 1; what another system said
    /// while none was sent; null when nothing is known.
    #[entity(computed = success_rate, needs("id", "success_rate"))]
    pub success_rate: Option<f64>,
    /// What was measured of it.
    pub template_performances: Many<TemplatePerformance>,
    /// The drafts that were made of it.
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
        &EnumType { name: "MessageTemplateType", about: "What a template is for.", words: TYPES }
    }
}

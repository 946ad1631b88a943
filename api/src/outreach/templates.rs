//! Business actions on message templates.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use engine::Problem;
use salesgraph_macros::permissions;
use service::outreach::message_template;

use super::message_template::MessageTemplate;
use crate::crm::prospect::Prospect;
use graph::error::Result;
use graph::{
    Row,
    action::{act, key},
    payload::UserError,
    scalar::JsonText,
};

/// The mutations.
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplateActions;

/// Input of `renderMessageTemplate`.
#[derive(InputObject)]
pub struct RenderMessageTemplateInput {
    /// The template.
    pub id: ID,
    /// The prospect.
    pub prospect_id: Option<ID>,
    /// Values of variables by name; they override built-in variables.
    pub variables: Option<JsonText>,
    /// Idempotency key, e.g. a UUID. A repeated request with the same key and input has no further effect.
    pub idempotency_key: Option<String>,
}

/// Payload of `renderMessageTemplate`.
#[derive(SimpleObject)]
pub struct RenderMessageTemplatePayload {
    /// The rendered text; null after errors.
    pub text: Option<String>,
    /// The template; null after errors.
    pub message_template: Option<Row<MessageTemplate>>,
    /// Errors of the input; empty on success.
    pub user_errors: Vec<UserError>,
}

#[permissions]
#[Object]
impl TemplateActions {
    /// Renders a message template and counts the use. Every variable must have a value.
    #[permission(Write)]
    async fn render_message_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Input.")] input: RenderMessageTemplateInput,
    ) -> Result<RenderMessageTemplatePayload> {
        let done = act(ctx, |scope, once| async move {
            let template = key::<MessageTemplate>(&input.id, "id")?;
            let person = input.prospect_id.map(|id| key::<Prospect>(&id, "prospect_id"));
            let told = parse_variables(input.variables)?;
            message_template::render(scope, template, person.transpose()?, told, once).await
        });
        let (rendered, user_errors) = done.await?;
        Ok(RenderMessageTemplatePayload {
            message_template: rendered.as_ref().map(|rendered| Row::of(rendered.template)),
            text: rendered.map(|rendered| rendered.text),
            user_errors,
        })
    }
}

fn parse_variables(variables: Option<JsonText>) -> engine::Result<BTreeMap<String, String>> {
    let Some(JsonText(variables)) = variables else { return Ok(BTreeMap::new()) };
    let wrong = || {
        Problem::invalid(
            engine::Reason::ValueInvalid,
            "variables",
            "`variables` must be an object of strings and numbers",
        )
    };
    let variables = variables.as_object().ok_or_else(wrong)?;
    let text = |(name, value): (&String, &serde_json::Value)| {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(wrong().into()),
        };
        Ok((name.clone(), text))
    };
    variables.iter().map(text).collect()
}

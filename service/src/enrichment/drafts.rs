//! Creates outreach drafts from message variants, for review by a person.

use engine::{
    error::{Error, Result},
    record::Record,
    value::Value,
    write::{Input, Unit, row},
};
use entity::crm::{company, prospect};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::{Value as Json, json};

use super::{apply::Applied, lease::Lease, provider::Variant, record_result::Outcome};
use crate::{
    offer::industry,
    outreach::{
        message_template, outreach_draft,
        template_text::{filled, said_of},
    },
};

/// Creates a draft per message variant and returns the variants as JSON. No drafts are created for a person who has
/// opted out.
pub(super) async fn make(
    unit: &mut Unit,
    claimed: &Lease,
    outcome: &Outcome,
    calls: &[i64],
    applied: &Applied,
) -> Result<Vec<Json>> {
    if applied.person.has(prospect::Column::UnsubscribedAt) || claimed.ask.variants == 0 {
        return Ok(Vec::new());
    }
    let mut variants = outcome.variants.clone();
    if variants.is_empty() {
        variants = of_templates(unit, claimed.ask.variants, applied).await?;
    }
    let mut told = Vec::new();
    for (number, (variant, by)) in variants.iter().take(claimed.ask.variants as usize).enumerate() {
        let name = letter(number);
        let model = (by.as_str() != "template").then_some(claimed.ask.model.as_str());
        let made = draft(unit, claimed.prospect, claimed.record, &name, variant, model).await?;
        if let (Some(draft), true) = (made, model.is_some()) {
            for call in calls {
                unit.link(&outreach_draft::USAGES, draft, *call).await?;
            }
        }
        told.push(json!({
            "variant": name,
            "subject": variant.subject,
            "content": variant.content,
            "outreachDraftId": made.map(|draft| format!("OutreachDraft:{draft}")),
        }));
    }
    Ok(told)
}

/// The name of a variant: `A`, `B`, `C` …
pub(super) fn letter(number: usize) -> String {
    let letter = u8::try_from(number % 26).unwrap_or_default() + b'A';
    char::from(letter).to_string()
}

/// Creates a draft that is pending review. Returns `None` if the validation rejects the draft.
pub(super) async fn draft(
    unit: &mut Unit,
    prospect: i64,
    record: i64,
    name: &str,
    variant: &Variant,
    model: Option<&str>,
) -> Result<Option<i64>> {
    let table = outreach_draft::table();
    let text = |text: &str, most| Value::Text(text.replace('\0', "").chars().take(most).collect());
    let mut values = vec![
        (table.column(outreach_draft::Column::ProspectId), Value::Int(prospect)),
        (table.column(outreach_draft::Column::DraftType), text("initial", 255)),
        (table.column(outreach_draft::Column::Content), text(&variant.content, 100_000)),
        (table.column(outreach_draft::Column::Variant), text(name, 50)),
    ];
    if let Some(subject) = variant.subject.as_ref().filter(|subject| !subject.trim().is_empty()) {
        values.push((table.column(outreach_draft::Column::Subject), text(subject, 255)));
    }
    if let Some(template) = variant.template {
        values
            .push((table.column(outreach_draft::Column::MessageTemplateId), Value::Int(template)));
    }
    if let Some(model) = model {
        values.push((table.column(outreach_draft::Column::Model), text(model, 50)));
    }
    let input = Input { values, ..Input::default() };
    let draft = match row::create_in(unit, outreach_draft::rules(), input).await {
        Ok(draft) => draft,
        Err(Error::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut after = draft.clone();
    after.set(outreach_draft::Column::Status, Value::Text("pending_review".to_owned()));
    after.set(outreach_draft::Column::SubmittedAt, Value::Time(unit.now()));
    after.set(outreach_draft::Column::ImportRecordId, Value::Int(record));
    unit.update(&draft, after).await?;
    Ok(Some(draft.id()))
}

/// Message variants rendered from the active templates, ordered by name. A template with an unknown value is skipped.
async fn of_templates(
    unit: &mut Unit,
    most: u32,
    applied: &Applied,
) -> Result<Vec<(Variant, String)>> {
    let table = message_template::table();
    let active = unit
        .scope()
        .select::<message_template::Entity>()
        .filter(message_template::Column::IsActive.eq(true))
        .filter(message_template::Column::TemplateType.is_in(["subject", "body", "icebreaker"]))
        .order_by_asc(message_template::Column::Name)
        .order_by_asc(message_template::Column::Id);
    let templates = unit.records(table, &active).await?;
    let industry = applied.company.key(company::Column::IndustryId)?;
    let industry = unit.peek(industry::table(), industry).await?;
    let values = said_of(&applied.person, Some(&applied.company), industry.as_ref());
    let render = |template: &Record| {
        filled(template.text(message_template::Column::TemplateText), &values).ok()
    };
    let mut found = Vec::new();
    for body in templates
        .iter()
        .filter(|template| template.text(message_template::Column::TemplateType) == "body")
    {
        if found.len() == most as usize {
            break;
        }
        let Some(mut content) = render(body) else { continue };
        let of_same_name = |kind: &str| {
            templates.iter().find(|template| {
                template.text(message_template::Column::TemplateType) == kind
                    && template.text(message_template::Column::Name)
                        == body.text(message_template::Column::Name)
            })
        };
        let mut used = vec![body];
        let icebreaker = of_same_name("icebreaker");
        if let Some((template, text)) = icebreaker.and_then(|one| Some((one, render(one)?))) {
            content = format!("{text}\n\n{content}");
            used.push(template);
        }
        let subject = of_same_name("subject").and_then(|one| Some((one, render(one)?)));
        used.extend(subject.as_ref().map(|(template, _)| *template));
        // People are ordered by primary key, so that two workers don't deadlock.
        used.sort_by_key(|template| template.id());
        for template in used {
            // A direct statement avoids a change log entry per person.
            let column = message_template::Column::UsageCount;
            let used = unit
                .scope()
                .update::<message_template::Entity>()
                .col_expr(column, Expr::col(column).add(1))
                .filter(message_template::Column::Id.eq(template.id()));
            unit.run(&used).await?;
        }
        let subject = subject.map(|(_, text)| text);
        let variant = Variant { subject, content, template: Some(body.id()) };
        found.push((variant, "template".to_owned()));
    }
    Ok(found)
}

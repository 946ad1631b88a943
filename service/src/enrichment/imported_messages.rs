//! Creates drafts from migrated messages when their records become prospects.

use engine::{error::Result, record::Record, value::Value, write::Unit};
use serde_json::Value as Json;

use super::{
    drafts::{draft, letter},
    provider::Variant,
};
use crate::{crm::prospect, ingest::import_record};

/// Keys of the message list in the migrated content.
const MESSAGES: [&str; 4] = ["variants", "email_variants", "emails", "drafts"];

/// Creates drafts from the messages of these records. Records that still have no prospect are skipped.
pub(crate) async fn write_to(unit: &mut Unit, records: &[Record]) -> Result<()> {
    for record in records {
        let Value::Json(content) = record.value(import_record::Column::GeneratedContent) else {
            continue;
        };
        let variants = variants(content);
        if variants.is_empty() {
            continue;
        }
        let Some(now) = unit.peek(import_record::table(), record.id()).await? else { continue };
        let Some(person) = now.number(import_record::Column::ProspectId) else { continue };
        let Some(person) = unit.find(prospect::table(), person).await? else { continue };
        if person.is_deleted() || person.has(prospect::Column::UnsubscribedAt) {
            continue;
        }
        for (number, variant) in variants.iter().enumerate() {
            draft(unit, person.id(), record.id(), &letter(number), variant, None).await?;
        }
    }
    Ok(())
}

/// Reads messages from migrated content: an array of texts, or of objects with a text and a subject. Subjects may also
/// be in a separate array.
fn variants(content: &Json) -> Vec<Variant> {
    let list = content
        .as_array()
        .or_else(|| MESSAGES.iter().find_map(|name| content.get(*name)?.as_array()));
    let subjects =
        ["subject_lines", "subjects"].iter().find_map(|name| content.get(*name)?.as_array());
    let text = |told: &Json, names: &[&str]| {
        names.iter().find_map(|name| Some(told.get(*name)?.as_str()?.to_owned()))
    };
    let read = |(number, told): (usize, &Json)| {
        let content = match told {
            Json::String(text) => text.clone(),
            told => text(told, &["content", "body", "text", "email", "message"])?,
        };
        let own = text(told, &["subject", "subject_line", "title"]);
        let listed = || Some(subjects?.get(number)?.as_str()?.to_owned());
        let subject = own.or_else(listed);
        (!content.trim().is_empty()).then_some(Variant { subject, content, template: None })
    };
    list.into_iter().flatten().enumerate().filter_map(read).collect()
}

//! Events in GraphQL.

use engine::{Scope, Value as Cell};
use salesgraph_macros::Entity;
use service::offer::{
    event::{STATUSES, rules, table},
    suggestion::{self, Aimed},
};

use crate::{
    crm::prospect::Prospect,
    outreach::{interaction::Interaction, outreach_draft::OutreachDraft},
};
use graph::{
    DateTime, EnumColumn, EnumType, Json, Many, RowView, RowsByKey, Vocabulary, error::Result,
};

/// An event, such as a conference or a webinar.
#[derive(Entity)]
#[entity(table = table, plural = "events", read = Read, writes = rules, write = WriteAll)]
pub struct Event {
    /// Type of event, as free text: `conference`, `webinar`.
    pub event_type: String,
    /// Date and time.
    #[entity(sort)]
    pub event_date: DateTime,
    /// Description.
    pub description: String,
    /// Location.
    pub location: String,
    /// Target industries: a list of IDs or names.
    pub target_industries: Option<Json>,
    /// Target roles: a list of job titles.
    pub target_roles: Option<Json>,
    /// Featured solutions: a list of IDs or names.
    pub solutions_featured: Option<Json>,
    /// Status.
    pub status: EnumColumn<EventStatus>,
    /// Prospects to invite while the event is planned or open, sorted by latest inbound interaction. Maximum: 25. They
    /// work in one of `targetIndustries`, are active and neither deleted, unsubscribed nor disqualified, and have no
    /// draft about the event. `targetRoles` is informational and does not filter them.
    #[entity(rows = suggested_prospects, needs("id", "target_industries", "status"))]
    pub suggested_prospects: RowsByKey<Prospect>,
    /// Interactions at the event.
    pub interactions: Many<Interaction>,
    /// Outreach drafts about the event.
    pub outreach_drafts: Many<OutreachDraft>,
}

async fn suggested_prospects(scope: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Vec<i64>>> {
    let aimed = rows.iter().map(|row| Aimed {
        event: row.cell(0).key().unwrap_or_default(),
        industries: match row.cell(1) {
            Cell::Json(industries) if matches!(row.text(2), "planned" | "open") => {
                industries.clone()
            }
            _ => serde_json::Value::Null,
        },
    });
    let aimed: Vec<Aimed> = aimed.collect();
    let mut found = suggestion::of_events(scope, &aimed).await?;
    Ok(aimed.iter().map(|one| found.remove(&one.event).unwrap_or_default()).collect())
}

/// `events.status`.
pub enum EventStatus {}

impl Vocabulary for EventStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "EventStatus", about: "Status of an event.", words: STATUSES }
    }
}

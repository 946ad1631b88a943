//! Events in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope, Value as Cell,
    offer::{
        event::{STATUSES, rules, table},
        suggestion::{self, Aimed},
    },
};

use crate::{
    crm::prospect::Prospect,
    error::Result,
    graph::{DateTime, EnumType, Json, Many, Of, Picked, RowView, Vocabulary},
    outreach::{interaction::Interaction, outreach_draft::OutreachDraft},
};

/// A conference or gathering where buyers are met.
#[derive(Entity)]
#[entity(table = table, plural = "events", writes = rules)]
pub struct Event {
    /// Kind of event, in words of your own: `conference`, `webinar`.
    pub event_type: String,
    /// When it takes place.
    #[entity(sort)]
    pub event_date: DateTime,
    /// What it is about.
    pub description: String,
    /// Where it takes place.
    pub location: String,
    /// Industries it is aimed at: a list of ids or names.
    pub target_industries: Option<Json>,
    /// Job roles it is aimed at: a list of titles.
    pub target_roles: Option<Json>,
    /// Solutions shown there: a list of ids or names.
    pub solutions_featured: Option<Json>,
    /// How far it has come.
    pub status: Of<EventStatus>,
    /// Prospects to invite while the event is planned or open, at most 25, those who said something to us last first: they work in one of
    /// `targetIndustries`, are active and neither deleted, unsubscribed nor disqualified, and have no draft about the
    /// event yet. `targetRoles` are for people to look at: job titles are not stored.
    #[entity(rows = suggested_prospects, needs("id", "target_industries", "status"))]
    pub suggested_prospects: Picked<Prospect>,
    /// What happened between us and prospects there.
    pub interactions: Many<Interaction>,
    /// Messages to prospects about it.
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
        &EnumType { name: "EventStatus", about: "How far an event has come.", words: STATUSES }
    }
}

//! Events in GraphQL.

use salesgraph_macros::Entity;
use service::offer::event::{STATUSES, rules, table};

use crate::{
    graph::{DateTime, EnumType, Json, Many, Of, Vocabulary},
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
    /// What happened between us and prospects there.
    pub interactions: Many<Interaction>,
    /// Messages to prospects about it.
    pub outreach_drafts: Many<OutreachDraft>,
}

/// `events.status`.
pub enum EventStatus {}

impl Vocabulary for EventStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "EventStatus", about: "How far an event has come.", words: STATUSES }
    }
}

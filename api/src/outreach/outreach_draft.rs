//! Outreach drafts in GraphQL.

use salesgraph_macros::Entity;
use service::outreach::outreach_draft::{STATUSES, table};

use crate::{
    crm::prospect::Prospect,
    graph::{EnumType, Of, One, Vocabulary},
    offer::event::Event,
};

/// A message to a prospect before it is sent, and what became of it.
#[derive(Entity)]
#[entity(table = table, plural = "outreachDrafts")]
pub struct OutreachDraft {
    /// The person it is for.
    pub prospect: One<Prospect>,
    /// The event it is about; null when it is about none.
    pub event: Option<One<Event>>,
    /// Kind of message, in words of your own: `initial`, `follow_up`, `event_invitation`.
    pub draft_type: String,
    /// The message.
    pub content: String,
    /// How far it has come.
    pub status: Of<OutreachDraftStatus>,
}

/// `outreach_drafts.status`.
pub enum OutreachDraftStatus {}

impl Vocabulary for OutreachDraftStatus {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "OutreachDraftStatus",
            about: "How far an outreach draft has come.",
            words: STATUSES,
        }
    }
}

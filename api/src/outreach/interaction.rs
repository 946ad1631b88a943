//! Interactions in GraphQL.

use salesgraph_macros::Entity;
use service::outreach::interaction::table;

use crate::{
    crm::prospect::Prospect,
    graph::{DateTime, One},
    offer::event::Event,
};

/// Something that happened between us and a prospect: a mail, a call, a meeting.
#[derive(Entity)]
#[entity(table = table, plural = "interactions")]
pub struct Interaction {
    /// The person.
    pub prospect: One<Prospect>,
    /// The event where it happened; null when it was none.
    pub event: Option<One<Event>>,
    /// Kind of interaction, in words of your own: `email`, `call`, `meeting`.
    pub interaction_type: String,
    /// When it happened.
    #[entity(sort)]
    pub interaction_date: DateTime,
    /// What it was about.
    pub subject: String,
    /// What was said.
    pub content: String,
    /// How the person felt about it: `positive`, `neutral`, `negative`.
    pub sentiment: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
}

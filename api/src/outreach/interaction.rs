//! Interactions in GraphQL.

use salesgraph_macros::Entity;
use service::outreach::interaction::{CHANNELS, DIRECTIONS, rules, table};

use super::outreach_draft::OutreachDraft;

use crate::{crm::prospect::Prospect, offer::event::Event};
use graph::{DateTime, EnumColumn, EnumType, Json, One, Vocabulary};

/// An interaction with a prospect, such as an email, a call or a meeting.
#[derive(Entity)]
#[entity(table = table, plural = "interactions", read = Read, writes = rules, write = Write)]
pub struct Interaction {
    /// The prospect.
    pub prospect: One<Prospect>,
    /// The event where it took place; null if none.
    pub event: Option<One<Event>>,
    /// Type of interaction, as free text: `email`, `call`, `meeting`.
    pub interaction_type: String,
    /// Date and time.
    #[entity(sort)]
    pub interaction_date: DateTime,
    /// Subject.
    pub subject: String,
    /// Content.
    pub content: String,
    /// Sentiment: `positive`, `neutral`, `negative`.
    pub sentiment: Option<String>,
    /// Outcome.
    pub outcome: Option<String>,
    /// Direction; null if unknown.
    pub direction: Option<EnumColumn<Direction>>,
    /// Channel; null if unknown.
    pub channel: Option<EnumColumn<Channel>>,
    /// Application-defined metadata.
    pub metadata: Option<Json>,
    /// The draft that was sent or replied to; null if none.
    pub outreach_draft: Option<One<OutreachDraft>>,
}

/// `interactions.direction`.
pub enum Direction {}

impl Vocabulary for Direction {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Direction", about: "Direction of an interaction.", words: DIRECTIONS }
    }
}

/// `interactions.channel`, `outreach_drafts.channel`.
pub enum Channel {}

impl Vocabulary for Channel {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Channel", about: "Channel of a message.", words: CHANNELS }
    }
}

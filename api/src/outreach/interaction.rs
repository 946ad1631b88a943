//! Interactions in GraphQL.

use salesgraph_macros::Entity;
use service::outreach::interaction::{CHANNELS, DIRECTIONS, rules, table};

use super::outreach_draft::OutreachDraft;

use crate::{
    crm::prospect::Prospect,
    graph::{DateTime, EnumType, Json, Of, One, Vocabulary},
    offer::event::Event,
};

/// Something that happened between us and a prospect: a mail, a call, a meeting.
#[derive(Entity)]
#[entity(table = table, plural = "interactions", writes = rules)]
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
    /// Which way it went; null when that isn't known.
    pub direction: Option<Of<Direction>>,
    /// Which way it took; null when that isn't known.
    pub channel: Option<Of<Channel>>,
    /// What a program keeps of it.
    pub metadata: Option<Json>,
    /// The draft that was sent or answered; null when it was none.
    pub outreach_draft: Option<One<OutreachDraft>>,
}

/// `interactions.direction`.
pub enum Direction {}

impl Vocabulary for Direction {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Direction", about: "Which way something went.", words: DIRECTIONS }
    }
}

/// `interactions.channel`, `outreach_drafts.channel`.
pub enum Channel {}

impl Vocabulary for Channel {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "Channel", about: "Which way a message took.", words: CHANNELS }
    }
}

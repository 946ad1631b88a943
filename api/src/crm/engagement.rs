//! Engagement of companies in GraphQL.

use async_graphql::SimpleObject;
use service::crm::engagement::{Engagement, LEVELS};

use graph::{
    EnumType, Vocabulary,
    scalar::{EnumValueOf, Moment},
};

/// Engagement of a company. Deleted prospects do not count.
#[derive(SimpleObject)]
pub struct CompanyEngagement {
    /// Engagement level, by the time of the last inbound contact.
    pub level: EnumValueOf<EngagementLevel>,
    /// Number of prospects.
    pub prospects: i32,
    /// Number of prospects contacted.
    pub contacted: i32,
    /// Number of contacted prospects who replied.
    pub replied: i32,
    /// `replied` divided by `contacted`; null if `contacted` is 0.
    pub reply_rate: Option<f64>,
    /// Time of the last outbound contact.
    pub last_contacted_at: Option<Moment>,
    /// Time of the last inbound contact.
    pub last_engagement_date: Option<Moment>,
}

/// `EngagementLevel`.
pub enum EngagementLevel {}

impl Vocabulary for EngagementLevel {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "EngagementLevel",
            about: "Engagement level of a company.",
            words: LEVELS,
        }
    }
}

impl CompanyEngagement {
    /// The engagement of a company.
    #[must_use]
    pub fn of(engagement: &Engagement) -> Option<Self> {
        Some(Self {
            level: EnumValueOf::stored(engagement.level)?,
            prospects: crate::usage::report::count(engagement.prospects),
            contacted: crate::usage::report::count(engagement.contacted),
            replied: crate::usage::report::count(engagement.answered),
            reply_rate: crate::usage::report::part(engagement.answered, engagement.contacted),
            last_contacted_at: engagement.last_contacted_at.map(Moment),
            last_engagement_date: engagement.last_engagement_date.map(Moment),
        })
    }
}

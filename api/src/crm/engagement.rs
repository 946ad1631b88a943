//! How close companies are, in GraphQL.

use async_graphql::SimpleObject;
use service::crm::engagement::{Engagement, LEVELS};

use crate::graph::{
    EnumType, Vocabulary,
    scalar::{Moment, WordOf},
};

/// How close a company is to us, and by what that is known. Deleted prospects don't count.
#[derive(SimpleObject)]
pub struct CompanyEngagement {
    /// How close it is, by when one of its prospects last said something to us.
    pub level: WordOf<EngagementLevel>,
    /// How many prospects we know there.
    pub prospects: i32,
    /// How many of them were contacted.
    pub contacted: i32,
    /// How many of those that were contacted said something to us.
    pub answered: i32,
    /// `answered` as a part of `contacted`; null when nobody was contacted.
    pub answer_rate: Option<f64>,
    /// When one of them was last contacted.
    pub last_contacted_at: Option<Moment>,
    /// When one of them last said something to us.
    pub last_engagement_date: Option<Moment>,
}

/// How close a company is.
pub enum EngagementLevel {}

impl Vocabulary for EngagementLevel {
    fn enum_type() -> &'static EnumType {
        &EnumType { name: "EngagementLevel", about: "How close a company is to us.", words: LEVELS }
    }
}

impl CompanyEngagement {
    /// What is known of a company.
    #[must_use]
    pub fn of(engagement: &Engagement) -> Option<Self> {
        Some(Self {
            level: WordOf::stored(engagement.level)?,
            prospects: crate::usage::report::count(engagement.prospects),
            contacted: crate::usage::report::count(engagement.contacted),
            answered: crate::usage::report::count(engagement.answered),
            answer_rate: crate::usage::report::part(engagement.answered, engagement.contacted),
            last_contacted_at: engagement.last_contacted_at.map(Moment),
            last_engagement_date: engagement.last_engagement_date.map(Moment),
        })
    }
}

//! The entities of the graph, in the order of the schema: one line each.

use crate::{
    crm::{company::Company, prospect::Prospect, prospect_research::ProspectResearch},
    graph::{Declared, Entity},
    offer::{event::Event, industry::Industry, solution::Solution},
    outreach::{interaction::Interaction, outreach_draft::OutreachDraft},
    usage::llm_usage_log::LlmUsageLog,
};

/// All declared entities.
#[must_use]
pub fn entities() -> [&'static Entity; 9] {
    [
        Company::entity(),
        Prospect::entity(),
        ProspectResearch::entity(),
        Industry::entity(),
        Solution::entity(),
        Event::entity(),
        Interaction::entity(),
        OutreachDraft::entity(),
        LlmUsageLog::entity(),
    ]
}

//! The entities of the graph, in schema order.

use crate::{
    crm::{company::Company, prospect::Prospect, prospect_research::ProspectResearch},
    governance::{change::Change, setting::Setting},
    graph::{Declared, Entity},
    ingest::{
        enrichment_cache_entry::EnrichmentCacheEntry, external_id::ExternalId,
        extraction::Extraction, field_provenance::FieldProvenance, import_job::ImportJob,
        import_record::ImportRecord,
    },
    offer::{event::Event, industry::Industry, solution::Solution},
    outreach::{
        interaction::Interaction, message_template::MessageTemplate, outreach_draft::OutreachDraft,
        template_performance::TemplatePerformance,
    },
    usage::{
        daily_cost_summary::DailyCostSummary, llm_usage_log::LlmUsageLog,
        service_usage_log::ServiceUsageLog,
    },
};

/// All declared entities.
#[must_use]
pub fn entities() -> [&'static Entity; 21] {
    [
        Company::entity(),
        Prospect::entity(),
        ProspectResearch::entity(),
        Industry::entity(),
        Solution::entity(),
        Event::entity(),
        Interaction::entity(),
        OutreachDraft::entity(),
        MessageTemplate::entity(),
        TemplatePerformance::entity(),
        LlmUsageLog::entity(),
        ServiceUsageLog::entity(),
        DailyCostSummary::entity(),
        ImportJob::entity(),
        ImportRecord::entity(),
        FieldProvenance::entity(),
        EnrichmentCacheEntry::entity(),
        Extraction::entity(),
        ExternalId::entity(),
        Setting::entity(),
        Change::entity(),
    ]
}

/// The change log.
#[must_use]
pub fn log() -> &'static Entity {
    Change::entity()
}

/// The entity of a table.
///
/// # Panics
/// If the table is not declared, which any test run detects.
#[must_use]
pub fn of_table(name: &str) -> &'static Entity {
    let mut entities = entities().into_iter();
    entities.find(|one| one.table.name == name).unwrap_or_else(|| panic!("{name} is not declared"))
}

/// The entity with this service name, such as `outreach_draft`.
#[must_use]
pub fn called(name: &str) -> Option<&'static Entity> {
    entities().into_iter().find(|one| one.table.called == name)
}

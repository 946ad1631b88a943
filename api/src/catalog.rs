//! The entities of the graph, in schema order.

use crate::{
    alerts::notification::Notification,
    crm::{
        company::Company, prospect::Prospect, prospect_assignment::ProspectAssignment,
        prospect_note::ProspectNote, prospect_research::ProspectResearch,
    },
    governance::{change::Change, setting::Setting},
    identity::{membership::Membership, team::Team},
    ingest::{
        enrichment_cache_entry::EnrichmentCacheEntry, external_id::ExternalId,
        extraction::Extraction, field_provenance::FieldProvenance, import_job::ImportJob,
        import_record::ImportRecord, template_performance::TemplatePerformance,
    },
    offer::{event::Event, industry::Industry, solution::Solution},
    outreach::{
        interaction::Interaction, message_template::MessageTemplate, outreach_draft::OutreachDraft,
    },
    usage::{
        daily_cost_summary::DailyCostSummary, llm_usage_log::LlmUsageLog,
        service_usage_log::ServiceUsageLog,
    },
};
use std::sync::LazyLock;

use graph::{Declared, Entity, catalog::Catalog};

/// The catalog of the schema.
#[must_use]
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        let entities = vec![
            Company::entity(),
            Prospect::entity(),
            ProspectResearch::entity(),
            ProspectNote::entity(),
            ProspectAssignment::entity(),
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
            Membership::entity(),
            Team::entity(),
            Notification::entity(),
            Setting::entity(),
            Change::entity(),
        ];
        Catalog::new(entities, service::catalog::tables())
    });
    &CATALOG
}

/// All declared entities.
#[must_use]
pub fn entities() -> &'static [&'static Entity] {
    catalog().entities()
}

/// The entity of a table.
///
/// # Panics
/// If the table is not declared, which any test run detects.
#[must_use]
pub fn of_table(name: &str) -> &'static Entity {
    catalog().of_table(name)
}

/// The entity with this service name, such as `outreach_draft`.
#[must_use]
pub fn called(name: &str) -> Option<&'static Entity> {
    catalog().called(name)
}

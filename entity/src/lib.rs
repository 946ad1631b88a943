//! What is stored: `SeaORM` entities, generated from the migrated database.
//!
//! `entity/generate` writes one flat folder of plural table names, which nobody edits. The modules
//! here give each entity its place and its singular name; everyone else uses only these paths.

#[expect(missing_docs, reason = "generated; the tables are described in the service")]
#[expect(clippy::disallowed_methods, reason = "what the derives write")]
mod generated;

/// Accounts, the people we sell to, and what is known about them.
pub mod crm {
    pub use crate::generated::{
        companies as company, opt_outs as opt_out, prospect_research, prospects as prospect,
    };
}

/// Settings, the change log, answers to be given again, and the schema version of a database that was brought over.
pub mod governance {
    pub use crate::generated::{
        alembic_version, change_log, changes as change, idempotency_keys as idempotency_key,
        settings as setting,
    };
}

/// Whose rows they are, and who acts.
pub mod identity {
    pub use crate::generated::{
        api_keys as api_key, organization_secrets as organization_secret,
        organizations as organization, users as user,
    };
}

/// Databases and lists that were brought in, and what providers found out.
pub mod ingest {
    pub use crate::generated::{
        enrichment_cache as enrichment_cache_entry, external_ids as external_id,
        extractions as extraction, field_provenance, import_jobs as import_job,
        import_records as import_record, source_import_keys as source_import_key,
        source_import_tables as source_import_table, source_imports as source_import,
    };
}

/// What we sell, to which industries, and at which events we meet buyers.
pub mod offer {
    pub use crate::generated::{
        events as event, industries as industry, industry_solutions as industry_solution,
        solutions as solution,
    };
}

/// What was said to prospects, and what is about to be.
pub mod outreach {
    pub use crate::generated::{
        interactions as interaction, message_templates as message_template,
        outreach_drafts as outreach_draft, template_performance,
    };
}

/// What calls to language models cost, and what they made.
pub mod usage {
    pub use crate::generated::{
        daily_cost_summaries as daily_cost_summary, llm_usage_logs as llm_usage_log,
        outreach_draft_usages as outreach_draft_usage,
        prospect_research_usages as prospect_research_usage,
        service_usage_logs as service_usage_log,
    };
}

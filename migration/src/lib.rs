//! Versioned schema migrations for SQLite and Postgres.
//!
//! This crate is the only source of truth for tables and does not depend on other crates of the workspace: tables
//! and columns are named by strings, because past migrations must not change when the current code does. A released
//! migration is never edited; later changes are new migrations.

use sea_orm_migration::prelude::*;

mod column;
mod ddl;
mod m20261121_000001_identity_organizations;
mod m20261121_000002_offer_market;
mod m20261121_000003_crm_prospects;
mod m20261121_000004_outreach_timeline;
mod m20261121_000005_usage_llm;
mod m20261121_000006_ingest_sources;
mod m20261121_000007_outreach_life;
mod m20261121_000008_governance_changes;
mod m20261121_000009_usage_lineage;
mod m20261121_000010_identity_keys;
mod m20261121_000011_search;
mod m20261121_000012_ingest_lists;
mod m20261122_000013_governance_settings;
mod m20261122_000014_outreach_templates;
mod m20261122_000015_ingest_enrichment;
mod m20261122_000016_usage_services;
mod m20261129_000017_search_letters;
mod m20261129_000018_crm_comparison;
mod m20261129_000019_ingest_source_keys;
mod m20261129_000020_outreach_claims;
mod m20261129_000021_usage_measures;
mod m20261129_000022_crm_names;
mod m20261129_000023_ingest_row_places;
mod m20261130_000024_crm_unique_values;
mod m20261130_000025_organization_references;
mod m20261130_000026_sort_keys;
mod m20261130_000027_work_list;
mod m20261130_000028_sort_ranks;
mod m20261130_000029_search_people;
mod m20261130_000030_merged_companies;
mod m20261130_000031_company_fields;
mod m20261130_000032_research_count;
mod m20261130_000033_text_statistics;
mod m20261130_000034_ascii_search;
mod m20261130_000035_identity_accounts;
mod m20261130_000036_crm_ownership;
mod m20261201_000037_identity_outgoing_mails;
mod organization_references;
mod roll_up;
mod search;

pub use sea_orm_migration::{MigrationStatus, MigratorTrait};

/// Prefix of errors about a missing prerequisite of a migration.
pub const NEEDS: &str = "the migration requires ";

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_identity_organizations::Migration),
            Box::new(m20261121_000002_offer_market::Migration),
            Box::new(m20261121_000003_crm_prospects::Migration),
            Box::new(m20261121_000004_outreach_timeline::Migration),
            Box::new(m20261121_000005_usage_llm::Migration),
            Box::new(m20261121_000006_ingest_sources::Migration),
            Box::new(m20261121_000007_outreach_life::Migration),
            Box::new(m20261121_000008_governance_changes::Migration),
            Box::new(m20261121_000009_usage_lineage::Migration),
            Box::new(m20261121_000010_identity_keys::Migration),
            Box::new(m20261121_000011_search::Migration),
            Box::new(m20261121_000012_ingest_lists::Migration),
            Box::new(m20261122_000013_governance_settings::Migration),
            Box::new(m20261122_000014_outreach_templates::Migration),
            Box::new(m20261122_000015_ingest_enrichment::Migration),
            Box::new(m20261122_000016_usage_services::Migration),
            Box::new(m20261129_000017_search_letters::Migration),
            Box::new(m20261129_000018_crm_comparison::Migration),
            Box::new(m20261129_000019_ingest_source_keys::Migration),
            Box::new(m20261129_000020_outreach_claims::Migration),
            Box::new(m20261129_000021_usage_measures::Migration),
            Box::new(m20261129_000022_crm_names::Migration),
            Box::new(m20261129_000023_ingest_row_places::Migration),
            Box::new(m20261130_000024_crm_unique_values::Migration),
            Box::new(m20261130_000025_organization_references::Migration),
            Box::new(m20261130_000026_sort_keys::Migration),
            Box::new(m20261130_000027_work_list::Migration),
            Box::new(m20261130_000028_sort_ranks::Migration),
            Box::new(m20261130_000029_search_people::Migration),
            Box::new(m20261130_000030_merged_companies::Migration),
            Box::new(m20261130_000031_company_fields::Migration),
            Box::new(m20261130_000032_research_count::Migration),
            Box::new(m20261130_000033_text_statistics::Migration),
            Box::new(m20261130_000034_ascii_search::Migration),
            Box::new(m20261130_000035_identity_accounts::Migration),
            Box::new(m20261130_000036_crm_ownership::Migration),
            Box::new(m20261201_000037_identity_outgoing_mails::Migration),
        ]
    }
}

//! References to rows of another organization are rejected by the database (`organization_references`).
//!
//! Existing rows are not changed. On Postgres, `maintain --check` names a foreign key that they violate; references that
//! triggers check are not checked for existing rows.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::{
    ddl::{Key::Plain, index},
    organization_references::{
        OnDelete::{Cascade, NoAction, SetNull},
        Reference, check_organizations, ignore_organizations,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// All references between rows of organizations.
const REFERENCES: &[Reference] = &[
    ("api_keys", "user_id", "users", Cascade),
    ("companies", "duplicate_of", "companies", NoAction),
    ("companies", "industry_id", "industries", NoAction),
    ("enrichment_cache", "prospect_id", "prospects", Cascade),
    ("extractions", "import_job_id", "import_jobs", SetNull),
    ("field_provenance", "company_id", "companies", Cascade),
    ("field_provenance", "import_job_id", "import_jobs", SetNull),
    ("field_provenance", "import_record_id", "import_records", SetNull),
    ("field_provenance", "prospect_id", "prospects", Cascade),
    ("import_jobs", "source_job_id", "import_jobs", SetNull),
    ("import_records", "company_id", "companies", SetNull),
    ("import_records", "import_job_id", "import_jobs", Cascade),
    ("import_records", "prospect_id", "prospects", SetNull),
    ("industries", "duplicate_of", "industries", NoAction),
    ("interactions", "event_id", "events", SetNull),
    ("interactions", "outreach_draft_id", "outreach_drafts", SetNull),
    ("interactions", "prospect_id", "prospects", NoAction),
    ("llm_usage_logs", "import_job_id", "import_jobs", SetNull),
    ("llm_usage_logs", "import_record_id", "import_records", SetNull),
    ("outreach_drafts", "event_id", "events", SetNull),
    ("outreach_drafts", "import_record_id", "import_records", SetNull),
    ("outreach_drafts", "message_template_id", "message_templates", SetNull),
    ("outreach_drafts", "parent_draft_id", "outreach_drafts", SetNull),
    ("outreach_drafts", "prospect_id", "prospects", NoAction),
    ("prospect_research", "prospect_id", "prospects", NoAction),
    ("prospects", "company_id", "companies", NoAction),
    ("prospects", "duplicate_of", "prospects", NoAction),
    ("prospects", "merged_into_id", "prospects", SetNull),
    ("service_usage_logs", "import_job_id", "import_jobs", SetNull),
    ("service_usage_logs", "import_record_id", "import_records", SetNull),
    ("template_performance", "import_job_id", "import_jobs", Cascade),
    ("template_performance", "message_template_id", "message_templates", Cascade),
];

/// Tables that a foreign key with the organization references on Postgres.
const REFERENCED: [&str; 6] =
    ["companies", "import_jobs", "industries", "message_templates", "prospects", "users"];

/// The index that the unique constraint replaces.
fn plain_index(table: &str) -> String {
    if table == "users" { "ix_users_organization_id".to_owned() } else { format!("ix_{table}_id") }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for table in REFERENCED {
                let sql = format!(
                    "ALTER TABLE \"{table}\" ADD CONSTRAINT \"ux_{table}_id\" UNIQUE (\"organization_id\", \"id\"); \
                     DROP INDEX \"{}\"",
                    plain_index(table)
                );
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        check_organizations(manager, REFERENCES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ignore_organizations(manager, REFERENCES).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for table in REFERENCED {
                let keys = [Plain("organization_id"), Plain("id")];
                index(manager, &plain_index(table), table, &keys).await?;
                let sql = format!("ALTER TABLE \"{table}\" DROP CONSTRAINT \"ux_{table}_id\"");
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}

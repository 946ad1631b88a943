//! Enrichment: requests to providers, their responses, and the provenance of each value.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, number, number_or_absent, part, pointer, short, sum, word},
    ddl::{
        Key::{Folded, Plain},
        add_columns, add_reference, child_indexes, drop_columns, drop_indexes, drop_tables, index,
        json, list_indexes, owned_table, reference, revision, sort_index, stamp, stamp_or_absent,
        stamped, text, unique, varchar,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RECORD: [&str; 13] = [
    "status",
    "enriched_data",
    "generated_content",
    "processing_attempts",
    "next_attempt_at",
    "processing_time_ms",
    "llm_tokens_used",
    "cost",
    "enrichment_confidence",
    "data_completeness",
    "lease_until",
    "lease_token",
    "reserved_cost",
];

const JOB: [&str; 9] = [
    "kind",
    "description",
    "enriched_records",
    "estimated_cost",
    "actual_cost",
    "input_file_path",
    "output_file_path",
    "metadata",
    "resumes_at",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        jobs(manager).await?;
        found(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["extractions", "field_provenance", "enrichment_cache"];
        drop_tables(manager, &tables).await?;
        // Older versions support only import jobs and would treat enrichment jobs as imports.
        let sql = "DELETE FROM \"import_jobs\" WHERE \"kind\" = 'enrichment'";
        manager.get_connection().execute_unprepared(sql).await?;
        let indexes = [
            "ix_outreach_drafts_import_record_id",
            "ix_import_records_lease",
            "ix_import_records_queue",
            "ix_import_records_status",
            "ix_import_jobs_enriching",
            "ix_import_jobs_source_job_id",
        ];
        drop_indexes(manager, &indexes).await?;
        drop_columns(manager, "outreach_drafts", &["import_record_id"]).await?;
        drop_columns(manager, "import_jobs", &["source_job_id"]).await?;
        drop_columns(manager, "import_records", &RECORD).await?;
        drop_columns(manager, "import_jobs", &JOB).await
    }
}

async fn jobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let kind = ColumnDef::new("kind").string_len(20).not_null().default("list").to_owned();
    let columns = vec![
        kind,
        long("description"),
        number("enriched_records"),
        sum("estimated_cost"),
        sum("actual_cost"),
        long("input_file_path"),
        long("output_file_path"),
        json("metadata"),
        stamp_or_absent("resumes_at"),
    ];
    add_columns(manager, "import_jobs", columns).await?;
    add_reference(manager, "import_jobs", "source_job_id", "import_jobs").await?;
    child_indexes(manager, "import_jobs", "source_job_id", &[]).await?;
    let records = vec![
        short("status", 20),
        json("enriched_data"),
        json("generated_content"),
        number("processing_attempts"),
        stamp_or_absent("next_attempt_at"),
        number_or_absent("processing_time_ms"),
        number_or_absent("llm_tokens_used"),
        sum("cost"),
        part("enrichment_confidence"),
        part("data_completeness"),
        stamp_or_absent("lease_until"),
        short("lease_token", 36),
        sum("reserved_cost"),
    ];
    add_columns(manager, "import_records", records).await?;
    let status = [Plain("organization_id"), Folded("status"), Plain("id")];
    index(manager, "ix_import_records_status", "import_records", &status).await?;
    for sql in [
        // A partial index, so that scans skip finished records.
        "CREATE INDEX \"ix_import_records_queue\" ON \"import_records\" (\"import_job_id\", \"record_index\") \
         WHERE \"status\" IN ('pending', 'processing')",
        // The server reads this index every second; because the index is partial, it contains only a few rows.
        "CREATE INDEX \"ix_import_jobs_enriching\" ON \"import_jobs\" (\"organization_id\", \"id\") \
         WHERE \"kind\" = 'enrichment' AND \"status\" IN ('processing', 'pending', 'undoing')",
        "CREATE INDEX \"ix_import_records_lease\" ON \"import_records\" (\"organization_id\", \"lease_until\") \
         WHERE \"status\" = 'processing'",
    ] {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    add_reference(manager, "outreach_drafts", "import_record_id", "import_records").await?;
    child_indexes(manager, "outreach_drafts", "import_record_id", &[]).await
}

/// Provider results: the cache, extractions, and the provenance of each value.
async fn found(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (cascade, set_null) = (ForeignKeyAction::Cascade, ForeignKeyAction::SetNull);
    let name = "enrichment_cache";
    let table = stamped(
        owned_table(name)
            .col(ColumnDef::new("lookup_type").string_len(50).not_null())
            .col(varchar("cache_key"))
            .col(json("result_data"))
            .col(number("hit_count"))
            .col(part("confidence_score"))
            .col(short("source", 50))
            .col(pointer("prospect_id"))
            .col(stamp("expires_at"))
            .col(revision())
            .foreign_key(&mut reference(name, "prospect_id", "prospects", cascade)),
    );
    manager.create_table(table).await?;
    list_indexes(manager, name).await?;
    sort_index(manager, name, "expires_at", Plain("expires_at")).await?;
    unique(manager, name, &["organization_id", "lookup_type", "cache_key"]).await?;
    child_indexes(manager, name, "prospect_id", &[]).await?;
    let expiry = [Plain("expires_at")];
    index(manager, "ix_enrichment_cache_expiry", name, &expiry).await?;

    let name = "field_provenance";
    let table = stamped(
        owned_table(name)
            .col(pointer("prospect_id"))
            .col(pointer("company_id"))
            .col(pointer("import_job_id"))
            .col(pointer("import_record_id"))
            .col(ColumnDef::new("field").string_len(50).not_null())
            .col(text("value"))
            .col(long("replaced_value"))
            .col(word("outcome"))
            .col(ColumnDef::new("source").string_len(50).not_null())
            .col(ColumnDef::new("confidence").double().not_null())
            .col(sum("cost"))
            .col(stamp("fetched_at"))
            .col(revision())
            .foreign_key(&mut reference(name, "prospect_id", "prospects", cascade))
            .foreign_key(&mut reference(name, "company_id", "companies", cascade))
            .foreign_key(&mut reference(name, "import_job_id", "import_jobs", set_null))
            .foreign_key(&mut reference(name, "import_record_id", "import_records", set_null)),
    );
    manager.create_table(table).await?;
    list_indexes(manager, name).await?;
    for parent in ["prospect_id", "company_id", "import_job_id", "import_record_id"] {
        child_indexes(manager, name, parent, &[]).await?;
    }

    let name = "extractions";
    let table = stamped(
        owned_table(name)
            .col(pointer("import_job_id"))
            .col(word("source_type"))
            .col(stamp_or_absent("retrieved_at"))
            .col(long("project_code"))
            .col(long("file_url"))
            .col(long("project_url"))
            .col(json("data"))
            .col(long("instance_id"))
            .col(revision())
            .foreign_key(&mut reference(name, "import_job_id", "import_jobs", set_null)),
    );
    manager.create_table(table).await?;
    list_indexes(manager, name).await?;
    child_indexes(manager, name, "import_job_id", &[]).await
}

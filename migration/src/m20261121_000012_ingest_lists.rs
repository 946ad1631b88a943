//! Imports of prospect files: the import job, its records, and additional contact data of people.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::{Folded, Plain},
    add_columns, big, child_indexes, drop_columns, drop_indexes, drop_tables, index, json,
    list_indexes, owned_table, reference, revision, sort_index, stamp_or_absent, stamped,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let short =
            |name: &'static str, length: u32| ColumnDef::new(name).string_len(length).to_owned();
        let word = |name: &'static str| ColumnDef::new(name).string_len(20).not_null().to_owned();
        let number =
            |name: &'static str| ColumnDef::new(name).integer().not_null().default(0).to_owned();
        let long = |name: &'static str| ColumnDef::new(name).text().to_owned();

        let prospects = vec![short("phone", 50), short("job_title", 255), short("source", 50)];
        add_columns(manager, "prospects", prospects).await?;
        let phone = [Plain("organization_id"), Plain("phone"), Plain("id")];
        index(manager, "ix_prospects_phone", "prospects", &phone).await?;
        let profile = [Plain("organization_id"), Folded("linkedin_url"), Plain("id")];
        index(manager, "ix_prospects_linkedin_url", "prospects", &profile).await?;

        let jobs = stamped(
            owned_table("import_jobs")
                .col(ColumnDef::new("name").string_len(500).not_null())
                .col(word("status"))
                .col(word("candidate_decision"))
                .col(short("committed_by", 300))
                .col(number("total_records"))
                .col(number("processed_records"))
                .col(number("created_records"))
                .col(number("updated_records"))
                .col(number("duplicate_records"))
                .col(number("skipped_records"))
                .col(number("failed_records"))
                .col(number("undone_records"))
                .col(number("kept_records"))
                .col(short("file_name", 500))
                .col(ColumnDef::new("file_size").integer())
                .col(json("options"))
                .col(long("error"))
                .col(stamp_or_absent("started_at"))
                .col(stamp_or_absent("completed_at"))
                .col(stamp_or_absent("undone_at"))
                .col(revision()),
        );
        manager.create_table(jobs).await?;
        list_indexes(manager, "import_jobs").await?;
        sort_index(manager, "import_jobs", "status", Folded("status")).await?;

        let cascade = ForeignKeyAction::Cascade;
        let forget = ForeignKeyAction::SetNull;
        let records = stamped(
            owned_table("import_records")
                .col(big("import_job_id"))
                .col(ColumnDef::new("record_index").integer().not_null())
                .col(word("promotion_status"))
                .col(word("verdict"))
                .col(long("reason"))
                .col(short("match_reason", 50))
                .col(short("decision", 20))
                .col(short("email", 255))
                .col(ColumnDef::new("original_data").json_binary().not_null())
                .col(json("mapped_data"))
                .col(json("candidates"))
                .col(ColumnDef::new("prospect_id").big_integer())
                .col(ColumnDef::new("company_id").big_integer())
                .col(json("replaced_data"))
                .col(ColumnDef::new("found_revision").integer())
                .col(ColumnDef::new("written_revision").integer())
                .col(long("last_error"))
                .col(stamp_or_absent("processed_at"))
                .col(revision())
                .foreign_key(&mut reference(
                    "import_records",
                    "import_job_id",
                    "import_jobs",
                    cascade,
                ))
                .foreign_key(&mut reference("import_records", "prospect_id", "prospects", forget))
                .foreign_key(&mut reference("import_records", "company_id", "companies", forget)),
        );
        manager.create_table(records).await?;
        list_indexes(manager, "import_records").await?;
        let sql = "CREATE UNIQUE INDEX \"ux_import_records_record_index\" ON \"import_records\" \
                   (\"import_job_id\", \"record_index\")";
        manager.get_connection().execute_unprepared(sql).await?;
        child_indexes(manager, "import_records", "import_job_id", &[]).await?;
        child_indexes(manager, "import_records", "prospect_id", &[]).await?;
        child_indexes(manager, "import_records", "company_id", &[]).await?;
        let open = [Plain("import_job_id"), Plain("promotion_status"), Plain("record_index")];
        index(manager, "ix_import_records_promotion_status", "import_records", &open).await?;
        let email = [Plain("organization_id"), Plain("email"), Plain("id")];
        index(manager, "ix_import_records_email", "import_records", &email).await?;
        // The server reads this index every second; because the index is partial, it contains only a few rows.
        let sql = "CREATE INDEX \"ix_import_jobs_running\" ON \"import_jobs\" (\"id\") \
                   WHERE \"status\" IN ('processing', 'undoing')";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["import_records", "import_jobs"]).await?;
        drop_indexes(manager, &["ix_prospects_linkedin_url", "ix_prospects_phone"]).await?;
        drop_columns(manager, "prospects", &["source", "job_title", "phone"]).await
    }
}

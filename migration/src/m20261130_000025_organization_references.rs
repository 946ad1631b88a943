//! References to rows of another organization are rejected by the database.
//!
//! On Postgres, a foreign key whose rows are not set to null on delete also has the organization: `(organization_id,
//! company_id)`. The other references are checked by a trigger, because Postgres 13 and 14 would also set the
//! organization to null, and on SQLite all references are, because SQLite can't change a foreign key of a table.
//! Existing rows are not changed; a foreign key that they violate remains unvalidated, and `maintain --check` names it.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DatabaseBackend, Statement},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What happens to a reference when the referenced row is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDelete {
    NoAction,
    Cascade,
    SetNull,
}

use OnDelete::{Cascade, NoAction, SetNull};

/// References between rows of organizations: table, column, referenced table.
const REFERENCES: &[(&str, &str, &str, OnDelete)] = &[
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

/// Tables that a foreign key with the organization references.
const REFERENCED: [&str; 6] =
    ["companies", "import_jobs", "industries", "message_templates", "prospects", "users"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            return up_postgres(manager).await;
        }
        for (table, column, referenced, _) in REFERENCES {
            for event in ["INSERT", "UPDATE"] {
                let of = if event == "INSERT" {
                    String::new()
                } else {
                    format!(" OF \"{column}\", \"organization_id\"")
                };
                let sql = format!(
                    "CREATE TRIGGER \"{}\" BEFORE {event}{of} ON \"{table}\" WHEN NEW.\"{column}\" IS NOT NULL \
                     AND EXISTS (SELECT 1 FROM \"{referenced}\" r WHERE r.\"id\" = NEW.\"{column}\" \
                     AND r.\"organization_id\" <> NEW.\"organization_id\") \
                     BEGIN SELECT RAISE(ABORT, '{table}.{column} references a row of another organization'); END",
                    trigger(table, column, event)
                );
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            return down_postgres(manager).await;
        }
        for (table, column, ..) in REFERENCES {
            for event in ["INSERT", "UPDATE"] {
                let sql = format!("DROP TRIGGER \"{}\"", trigger(table, column, event));
                connection.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}

fn trigger(table: &str, column: &str, event: &str) -> String {
    format!("organization_of_{table}_{column}_{}", event.to_ascii_lowercase())
}

async fn up_postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for table in REFERENCED {
        for sql in [
            format!(
                "CREATE UNIQUE INDEX \"ux_{table}_id\" ON \"{table}\" (\"organization_id\", \"id\")"
            ),
            format!("DROP INDEX IF EXISTS \"ix_{table}_id\""),
        ] {
            connection.execute_unprepared(&sql).await?;
        }
    }
    for (table, column, referenced, on_delete) in REFERENCES {
        let name = format!("fk_{table}_{column}");
        let action = match on_delete {
            SetNull => continue,
            Cascade => " ON DELETE CASCADE",
            NoAction => "",
        };
        let drop = format!("ALTER TABLE \"{table}\" DROP CONSTRAINT \"{name}\"");
        connection.execute_unprepared(&drop).await?;
        let add = format!(
            "ALTER TABLE \"{table}\" ADD CONSTRAINT \"{name}\" FOREIGN KEY (\"organization_id\", \"{column}\") \
             REFERENCES \"{referenced}\" (\"organization_id\", \"id\"){action} NOT VALID"
        );
        connection.execute_unprepared(&add).await?;
        let violations = format!(
            "SELECT 1 FROM \"{table}\" t JOIN \"{referenced}\" r ON r.\"id\" = t.\"{column}\" \
             WHERE r.\"organization_id\" <> t.\"organization_id\" LIMIT 1"
        );
        let violations = Statement::from_string(DatabaseBackend::Postgres, violations);
        if connection.query_one_raw(violations).await?.is_none() {
            let validate = format!("ALTER TABLE \"{table}\" VALIDATE CONSTRAINT \"{name}\"");
            connection.execute_unprepared(&validate).await?;
        }
    }
    for (table, checks) in checks_by_table() {
        let checks: Vec<_> = checks
            .into_iter()
            .map(|(column, referenced)| {
                format!(
                    "IF NEW.\"{column}\" IS NOT NULL AND EXISTS (SELECT 1 FROM \"{referenced}\" r WHERE \
                     r.\"id\" = NEW.\"{column}\" AND r.\"organization_id\" <> NEW.\"organization_id\") THEN \
                     RAISE foreign_key_violation USING MESSAGE = \
                     '{table}.{column} references a row of another organization'; END IF;"
                )
            })
            .collect();
        let function = format!(
            "CREATE FUNCTION \"organization_of_{table}\"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} \
             RETURN NEW; END $$",
            checks.join(" ")
        );
        connection.execute_unprepared(&function).await?;
        let columns: Vec<_> = set_null_columns(table).map(|column| format!("\"{column}\"")).collect();
        let any: Vec<_> = set_null_columns(table)
            .map(|column| format!("NEW.\"{column}\" IS NOT NULL"))
            .collect();
        let sql = format!(
            "CREATE TRIGGER \"organization_of_{table}\" BEFORE INSERT OR UPDATE OF {} ON \"{table}\" FOR EACH ROW \
             WHEN ({}) EXECUTE FUNCTION \"organization_of_{table}\"()",
            columns.join(", "),
            any.join(" OR ")
        );
        connection.execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn down_postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for (table, _) in checks_by_table() {
        for sql in [
            format!("DROP TRIGGER \"organization_of_{table}\" ON \"{table}\""),
            format!("DROP FUNCTION \"organization_of_{table}\"()"),
        ] {
            connection.execute_unprepared(&sql).await?;
        }
    }
    for (table, column, referenced, on_delete) in REFERENCES {
        let action = match on_delete {
            SetNull => continue,
            Cascade => " ON DELETE CASCADE",
            NoAction => "",
        };
        let name = format!("fk_{table}_{column}");
        let drop = format!("ALTER TABLE \"{table}\" DROP CONSTRAINT \"{name}\"");
        connection.execute_unprepared(&drop).await?;
        let add = format!(
            "ALTER TABLE \"{table}\" ADD CONSTRAINT \"{name}\" FOREIGN KEY (\"{column}\") \
             REFERENCES \"{referenced}\" (\"id\"){action}"
        );
        connection.execute_unprepared(&add).await?;
    }
    for table in REFERENCED {
        for sql in [
            format!("CREATE INDEX \"ix_{table}_id\" ON \"{table}\" (\"organization_id\", \"id\")"),
            format!("DROP INDEX \"ux_{table}_id\""),
        ] {
            connection.execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// The columns of a table that are set to null when the referenced row is deleted.
fn set_null_columns(table: &str) -> impl Iterator<Item = &'static str> {
    let columns = REFERENCES.iter().filter(|(_, _, _, on_delete)| *on_delete == SetNull);
    columns.filter(move |(name, ..)| *name == table).map(|(_, column, ..)| *column)
}

/// Tables with references that a trigger checks: their columns and referenced tables.
fn checks_by_table() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut tables: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for (table, column, referenced, on_delete) in REFERENCES {
        if *on_delete != SetNull {
            continue;
        }
        match tables.last_mut().filter(|(last, _)| last == table) {
            Some((_, checks)) => checks.push((column, referenced)),
            None => tables.push((table, vec![(column, referenced)])),
        }
    }
    tables
}

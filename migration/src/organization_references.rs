//! References between rows of organizations, which the database rejects if the rows belong to different organizations.
//!
//! On Postgres, a foreign key whose rows are not set to null on delete also has the organization: `(organization_id,
//! company_id)`. The other references are checked by a trigger, because Postgres 13 and 14 would also set the
//! organization to null, and on SQLite all references are, because SQLite can't change a foreign key of a table.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DatabaseBackend, Statement},
};

/// What happens to a reference when the referenced row is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    NoAction,
    Cascade,
    SetNull,
}

/// A reference: table, column, referenced table.
pub(crate) type Reference = (&'static str, &'static str, &'static str, OnDelete);

/// Lets the database check the organization of these references, which already have foreign keys. The references of a
/// table must be adjacent. A foreign key that existing rows violate remains unvalidated.
pub(crate) async fn check_organizations(
    manager: &SchemaManager<'_>,
    references: &[Reference],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        return check_in_postgres(manager, references).await;
    }
    for (table, column, referenced, _) in references {
        for (event, of) in [
            ("insert", String::new()),
            ("update", format!(" OF \"{column}\", \"organization_id\"")),
        ] {
            let sql = format!(
                "CREATE TRIGGER \"organization_of_{table}_{column}_{event}\" BEFORE {event}{of} ON \"{table}\" \
                 WHEN NEW.\"{column}\" IS NOT NULL AND EXISTS (SELECT 1 FROM \"{referenced}\" r \
                 WHERE r.\"id\" = NEW.\"{column}\" AND r.\"organization_id\" <> NEW.\"organization_id\") \
                 BEGIN SELECT RAISE(ABORT, '{table}.{column} references a row of another organization'); END"
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// Reverts [`check_organizations`].
pub(crate) async fn ignore_organizations(
    manager: &SchemaManager<'_>,
    references: &[Reference],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        return ignore_in_postgres(manager, references).await;
    }
    for (table, column, ..) in references {
        for event in ["insert", "update"] {
            let sql = format!("DROP TRIGGER \"organization_of_{table}_{column}_{event}\"");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

async fn check_in_postgres(
    manager: &SchemaManager<'_>,
    references: &[Reference],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for (table, column, referenced, on_delete) in references {
        let name = format!("fk_{table}_{column}");
        let action = match on_delete {
            OnDelete::SetNull => continue,
            OnDelete::Cascade => " ON DELETE CASCADE",
            OnDelete::NoAction => "",
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
    for (table, checks) in checks_by_table(references) {
        let conditions: Vec<_> = checks
            .iter()
            .map(|&(column, referenced)| {
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
            conditions.join(" ")
        );
        connection.execute_unprepared(&function).await?;
        let columns: Vec<_> = checks.iter().map(|(column, _)| format!("\"{column}\", ")).collect();
        let any: Vec<_> =
            checks.iter().map(|(column, _)| format!("NEW.\"{column}\" IS NOT NULL")).collect();
        let sql = format!(
            "CREATE TRIGGER \"organization_of_{table}\" BEFORE INSERT OR UPDATE OF {}\"organization_id\" ON \"{table}\" FOR EACH ROW \
             WHEN ({}) EXECUTE FUNCTION \"organization_of_{table}\"()",
            columns.concat(),
            any.join(" OR ")
        );
        connection.execute_unprepared(&sql).await?;
    }
    Ok(())
}

async fn ignore_in_postgres(
    manager: &SchemaManager<'_>,
    references: &[Reference],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for (table, _) in checks_by_table(references) {
        for sql in [
            format!("DROP TRIGGER \"organization_of_{table}\" ON \"{table}\""),
            format!("DROP FUNCTION \"organization_of_{table}\"()"),
        ] {
            connection.execute_unprepared(&sql).await?;
        }
    }
    for (table, column, referenced, on_delete) in references {
        let action = match on_delete {
            OnDelete::SetNull => continue,
            OnDelete::Cascade => " ON DELETE CASCADE",
            OnDelete::NoAction => "",
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
    Ok(())
}

/// Tables with references that a trigger checks: their columns and referenced tables.
fn checks_by_table(
    references: &[Reference],
) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut tables: Vec<(&'static str, Vec<(&'static str, &'static str)>)> = Vec::new();
    for (table, column, referenced, on_delete) in references {
        if *on_delete != OnDelete::SetNull {
            continue;
        }
        match tables.last_mut().filter(|(last, _)| last == table) {
            Some((_, checks)) => checks.push((column, referenced)),
            None => tables.push((table, vec![(column, referenced)])),
        }
    }
    tables
}

//! Comparison columns of prospects, companies and industries, and opt-outs by address.
//!
//! A comparison column holds the normalized form of another column; the server computes and writes it. Values for
//! existing rows are computed after the migration, in batches that can be interrupted: see `comparison_progress`.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, short},
    ddl::{
        Key::{Folded, Plain},
        add_columns, big, drop_columns, drop_indexes, drop_tables, index, list_indexes,
        owned_table, stamp, stamped, unique,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables and their comparison columns.
const COLUMNS: &[(&str, &[&str])] = &[
    ("prospects", &["email_key", "phone_key", "linkedin_key"]),
    ("companies", &["name_key"]),
    ("industries", &["name_key"]),
];

/// Tables, each with a comparison column that is set in every row.
const UNCOMPARED: [(&str, &str); 3] =
    [("prospects", "email_key"), ("companies", "name_key"), ("industries", "name_key")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in COLUMNS {
            add_columns(manager, table, columns.iter().map(|name| long(name)).collect()).await?;
            for column in *columns {
                let keys = [Plain("organization_id"), Plain(column), Plain("id")];
                index(manager, &format!("ix_{table}_{column}"), table, &keys).await?;
            }
        }
        // This index finds rows that were written by programs other than the server.
        for (table, column) in UNCOMPARED {
            let sql = format!(
                "CREATE INDEX \"ix_{table}_uncompared\" ON \"{table}\" (\"id\") WHERE \"{column}\" IS NULL"
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        drop_indexes(manager, &["ix_prospects_phone", "ix_prospects_linkedin_url"]).await?;

        let opt_outs = stamped(
            owned_table("opt_outs")
                .col(ColumnDef::new("address_hash").string_len(64).not_null())
                .col(stamp("opted_out_at")),
        );
        manager.create_table(opt_outs).await?;
        list_indexes(manager, "opt_outs").await?;
        unique(manager, "opt_outs", &["organization_id", "address_hash"]).await?;

        let secrets = stamped(
            owned_table("organization_secrets")
                .col(ColumnDef::new("purpose").string_len(50).not_null())
                .col(ColumnDef::new("secret").string_len(64).not_null()),
        );
        manager.create_table(secrets).await?;
        list_indexes(manager, "organization_secrets").await?;
        unique(manager, "organization_secrets", &["organization_id", "purpose"]).await?;

        let progress = Table::create()
            .table("comparison_progress")
            .col(short("table_name", 50).not_null().primary_key().to_owned())
            .col(ColumnDef::new("version").integer().not_null())
            .col(big("last_id"))
            .to_owned();
        manager.create_table(progress).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["comparison_progress", "organization_secrets", "opt_outs"]).await?;
        let phone = [Plain("organization_id"), Plain("phone"), Plain("id")];
        index(manager, "ix_prospects_phone", "prospects", &phone).await?;
        let profile = [Plain("organization_id"), Folded("linkedin_url"), Plain("id")];
        index(manager, "ix_prospects_linkedin_url", "prospects", &profile).await?;
        for (table, columns) in COLUMNS.iter().rev() {
            drop_indexes(manager, &[&format!("ix_{table}_uncompared")]).await?;
            let names: Vec<_> = columns.iter().map(|name| format!("ix_{table}_{name}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            drop_indexes(manager, &names).await?;
            drop_columns(manager, table, columns).await?;
        }
        Ok(())
    }
}

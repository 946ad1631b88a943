//! Accounts: memberships of users in organizations, preferences, sessions of signed-in users, one-time tokens and sign-in
//! attempts.
//!
//! The role of a user moves to the membership, because a user can belong to several organizations.

use sea_orm_migration::prelude::*;

use crate::{
    ddl::{
        Key::{Folded, Plain},
        add_columns, big, drop_columns, drop_tables, index, json, list_indexes, owned_table,
        reference, sort_index, stamp, stamp_or_absent, stamped, unique,
    },
    m20261130_000033_text_statistics::has_expression_statistics,
    organization_references::{OnDelete, Reference, check_organizations, ignore_organizations},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A user of another organization may have a key, so the database no longer compares the organizations.
const KEYS: [Reference; 1] = [("api_keys", "user_id", "users", OnDelete::Cascade)];

const MEMBERSHIPS: &str = "INSERT INTO \"memberships\" (\"organization_id\", \"user_id\", \"role\", \"status\", \
    \"created_at\", \"updated_at\") SELECT \"organization_id\", \"id\", \
    CASE \"role\" WHEN 'user' THEN 'member' ELSE \"role\" END, \
    CASE WHEN \"deleted_at\" IS NULL THEN 'active' ELSE 'left' END, \"created_at\", \"updated_at\" \
    FROM \"users\" ORDER BY \"id\"";

const ROLES: &str = "UPDATE \"users\" SET \"role\" = COALESCE((SELECT m.\"role\" FROM \"memberships\" m \
    WHERE m.\"user_id\" = \"users\".\"id\" AND m.\"organization_id\" = \"users\".\"organization_id\"), 'analyst')";

fn word(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).to_owned()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().to_owned()
}

/// A table of the server, whose rows belong to no organization.
fn server_table(name: &'static str) -> TableCreateStatement {
    let id =
        ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key().to_owned();
    Table::create().table(name).col(id).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let cascade = ForeignKeyAction::Cascade;
        let memberships = stamped(
            owned_table("memberships")
                .col(big("user_id"))
                .col(word("role", 20).not_null())
                .col(word("status", 20).not_null())
                .col(text("suspension_reason"))
                .foreign_key(&mut reference("memberships", "user_id", "users", cascade)),
        );
        manager.create_table(memberships).await?;
        list_indexes(manager, "memberships").await?;
        sort_index(manager, "memberships", "role", Folded("role")).await?;
        unique(manager, "memberships", &["user_id", "organization_id"]).await?;

        let preferences = stamped(
            server_table("user_preferences")
                .col(big("user_id").unique_key())
                .col(word("theme", 20).not_null())
                .col(json("preferences"))
                .col(json("notifications"))
                .foreign_key(&mut reference("user_preferences", "user_id", "users", cascade)),
        );
        manager.create_table(preferences).await?;

        let sessions = stamped(
            server_table("user_sessions")
                .col(big("user_id"))
                .col(big("organization_id"))
                .col(word("token_hash", 64).not_null().unique_key())
                .col(word("ip_address", 45))
                .col(text("user_agent"))
                .col(stamp("last_seen_at"))
                .col(stamp_or_absent("revoked_at"))
                .col(stamp("expires_at"))
                .foreign_key(&mut reference("user_sessions", "user_id", "users", cascade))
                .foreign_key(&mut reference(
                    "user_sessions",
                    "organization_id",
                    "organizations",
                    cascade,
                )),
        );
        manager.create_table(sessions).await?;
        for column in ["user_id", "organization_id", "updated_at", "expires_at"] {
            let name = format!("ix_user_sessions_{column}");
            index(manager, &name, "user_sessions", &[Plain(column)]).await?;
        }

        let tokens = stamped(
            server_table("one_time_tokens")
                .col(word("purpose", 30).not_null())
                .col(word("token_hash", 64).not_null().unique_key())
                .col(big("user_id"))
                .col(ColumnDef::new("organization_id").big_integer())
                .col(stamp_or_absent("used_at"))
                .col(stamp("expires_at"))
                .foreign_key(&mut reference("one_time_tokens", "user_id", "users", cascade))
                .foreign_key(&mut reference(
                    "one_time_tokens",
                    "organization_id",
                    "organizations",
                    cascade,
                )),
        );
        manager.create_table(tokens).await?;
        for column in ["user_id", "organization_id", "expires_at"] {
            let name = format!("ix_one_time_tokens_{column}");
            index(manager, &name, "one_time_tokens", &[Plain(column)]).await?;
        }

        let attempts = stamped(
            server_table("login_attempts")
                .col(word("email", 320).not_null())
                .col(word("ip_address", 45).not_null())
                .col(word("network", 45).not_null())
                .col(text("user_agent"))
                .col(ColumnDef::new("success").boolean().not_null())
                .col(word("failure_reason", 100))
                .col(stamp("attempted_at")),
        );
        manager.create_table(attempts).await?;
        for (name, columns) in [
            ("email", vec![Plain("email"), Plain("attempted_at")]),
            ("network", vec![Plain("network"), Plain("attempted_at")]),
            ("attempted_at", vec![Plain("attempted_at")]),
        ] {
            let name = format!("ix_login_attempts_{name}");
            index(manager, &name, "login_attempts", &columns).await?;
        }

        manager.get_connection().execute_unprepared(MEMBERSHIPS).await?;
        if has_expression_statistics(manager).await? {
            let sql = "CREATE STATISTICS \"st_memberships_status\" ON (lower(\"status\" COLLATE \"C\")) \
                       FROM \"memberships\"; ANALYZE \"memberships\"";
            manager.get_connection().execute_unprepared(sql).await?;
        }
        drop_columns(manager, "users", &["role"]).await?;
        ignore_organizations(manager, &KEYS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        check_organizations(manager, &KEYS).await?;
        let role = word("role", 20).not_null().default("analyst").to_owned();
        add_columns(manager, "users", vec![role]).await?;
        manager.get_connection().execute_unprepared(ROLES).await?;
        let tables = [
            "login_attempts",
            "one_time_tokens",
            "user_sessions",
            "user_preferences",
            "memberships",
        ];
        drop_tables(manager, &tables).await
    }
}

//! Actors: the users of an organization, and the API keys of programs and users.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::Plain, add_columns, add_reference, big, drop_columns, drop_indexes, drop_tables, index,
    json, owned_table, reference, stamp, stamp_or_absent, stamped,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The columns of `organizations` that describe the business and the responsible person.
const PROFILE: [&str; 12] = [
    "owner_user_id",
    "billing_email",
    "deleted_at",
    "industry",
    "monthly_revenue",
    "employee_count",
    "website",
    "phone",
    "goals",
    "current_tools",
    "referral_source",
    "notes",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let word =
            |name: &'static str, length: u32| ColumnDef::new(name).string_len(length).to_owned();
        let text = |name: &'static str| ColumnDef::new(name).text().to_owned();
        let users = stamped(
            owned_table("users")
                .col(word("email", 320).not_null().unique_key())
                .col(word("role", 20).not_null())
                .col(word("username", 100).unique_key())
                .col(text("avatar_url"))
                .col(word("timezone", 100).not_null())
                .col(stamp_or_absent("deleted_at"))
                .col(word("open_id", 64).unique_key())
                .col(word("google_id", 64).unique_key())
                .col(text("password_hash"))
                .col(text("name"))
                .col(word("login_method", 64).not_null())
                .col(ColumnDef::new("onboarding_completed").boolean().not_null())
                .col(stamp_or_absent("suspended_at"))
                .col(text("suspension_reason"))
                .col(stamp("last_signed_in")),
        );
        manager.create_table(users).await?;
        index(manager, "ix_users_login_method", "users", &[Plain("login_method")]).await?;
        let login = [Plain("email"), Plain("login_method")];
        index(manager, "ix_users_email_login_method", "users", &login).await?;
        let own = [Plain("organization_id"), Plain("id")];
        index(manager, "ix_users_organization_id", "users", &own).await?;

        let keys = stamped(
            owned_table("api_keys")
                .col(big("user_id"))
                .col(word("name", 100).not_null())
                .col(word("kind", 20).not_null())
                .col(word("role", 20).not_null())
                .col(word("key_prefix", 12).not_null().unique_key())
                .col(word("key_hash", 64).not_null().unique_key())
                .col(stamp_or_absent("last_used_at"))
                .col(stamp_or_absent("expires_at"))
                .col(stamp_or_absent("revoked_at"))
                .foreign_key(&mut reference(
                    "api_keys",
                    "user_id",
                    "users",
                    ForeignKeyAction::Cascade,
                )),
        );
        manager.create_table(keys).await?;
        index(manager, "ix_api_keys_organization_id", "api_keys", &own).await?;
        index(manager, "ix_api_keys_user_id", "api_keys", &[Plain("user_id"), Plain("id")]).await?;

        add_reference(manager, "organizations", PROFILE[0], "users").await?;
        let profile = vec![
            word("billing_email", 320),
            stamp_or_absent("deleted_at"),
            word("industry", 100),
            word("monthly_revenue", 50),
            word("employee_count", 50),
            text("website"),
            word("phone", 30),
            json("goals"),
            json("current_tools"),
            word("referral_source", 100),
            text("notes"),
        ];
        add_columns(manager, "organizations", profile).await?;
        let owner = [Plain(PROFILE[0])];
        index(manager, "ix_organizations_owner_user_id", "organizations", &owner).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &["ix_organizations_owner_user_id"]).await?;
        drop_columns(manager, "organizations", &PROFILE).await?;
        drop_tables(manager, &["api_keys", "users"]).await
    }
}

//! The queue of outgoing mails, and verified e-mail addresses.
//!
//! A queued mail has no link: the token of the link is issued when the mail is sent, so that the database never holds it.

use sea_orm_migration::prelude::*;

use crate::{
    column::{pointer, short, word},
    ddl::{
        Key::Plain, add_columns, big, drop_columns, drop_tables, index, reference, stamp,
        stamp_or_absent, stamped,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let cascade = ForeignKeyAction::Cascade;
        let id =
            ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key().to_owned();
        let mut mails = Table::create()
            .table("outgoing_mails")
            .col(id)
            .col(big("user_id"))
            .col(pointer("organization_id"))
            .col(short("purpose", 30).not_null())
            .col(word("status"))
            .col(ColumnDef::new("attempts").integer().not_null())
            .col(stamp("due_at"))
            .col(short("last_error", 255))
            .col(stamp_or_absent("sent_at"))
            .foreign_key(&mut reference("outgoing_mails", "user_id", "users", cascade))
            .foreign_key(&mut reference(
                "outgoing_mails",
                "organization_id",
                "organizations",
                cascade,
            ))
            .to_owned();
        manager.create_table(stamped(&mut mails)).await?;
        for (name, columns) in [
            ("due", vec![Plain("status"), Plain("due_at")]),
            ("user_id", vec![Plain("user_id"), Plain("purpose"), Plain("created_at")]),
            ("organization_id", vec![Plain("organization_id"), Plain("created_at")]),
            ("created_at", vec![Plain("created_at")]),
        ] {
            let name = format!("ix_outgoing_mails_{name}");
            index(manager, &name, "outgoing_mails", &columns).await?;
        }
        let mailed = ColumnDef::new("is_mailed").boolean().not_null().default(false).to_owned();
        add_columns(manager, "one_time_tokens", vec![mailed]).await?;
        add_columns(manager, "users", vec![stamp_or_absent("email_verified_at")]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "users", &["email_verified_at"]).await?;
        drop_columns(manager, "one_time_tokens", &["is_mailed"]).await?;
        drop_tables(manager, &["outgoing_mails"]).await
    }
}

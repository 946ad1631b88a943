//! The change log: all writes of all entities, in commit order. This migration also creates the idempotency records,
//! which hold the responses to repeated requests.

use sea_orm_migration::prelude::*;

use crate::ddl::{
    Key::Plain, big, drop_tables, index, list_indexes_without_updates, owned_table, reference,
    stamp,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let word = |name: &'static str, length: u32| {
            ColumnDef::new(name).string_len(length).not_null().to_owned()
        };
        let changes = owned_table("changes")
            .col(ColumnDef::new("epoch").integer().not_null())
            .col(big("transaction_number"))
            .col(word("entity", 50))
            .col(ColumnDef::new("record_id").big_integer())
            // The prospect that the entry concerns, even if the changed row no longer exists. The column is not a
            // foreign key, because the prospect may have been deleted too.
            .col(ColumnDef::new("prospect_id").big_integer())
            .col(word("kind", 20))
            .col(ColumnDef::new("before").json_binary())
            .col(ColumnDef::new("after").json_binary())
            .col(word("actor_kind", 20))
            .col(ColumnDef::new("actor_name").string_len(255))
            .col(ColumnDef::new("request_id").string_len(128))
            .col(stamp("created_at"))
            .to_owned();
        manager.create_table(changes).await?;
        list_indexes_without_updates(manager, "changes").await?;
        let position = [Plain("epoch"), Plain("transaction_number"), Plain("id")];
        index(manager, "ix_changes_position", "changes", &position).await?;
        let own = [Plain("organization_id"), position[0], position[1], position[2]];
        index(manager, "ix_changes_organization_position", "changes", &own).await?;
        let record = [Plain("record_id"), Plain("entity"), Plain("id")];
        index(manager, "ix_changes_record_id", "changes", &record).await?;
        let person = [Plain("prospect_id"), Plain("id")];
        index(manager, "ix_changes_prospect_id", "changes", &person).await?;

        // One row: the epoch of transaction numbers, the database they belong to, and the position up to which
        // entries have expired.
        let state = Table::create()
            .table("change_log")
            .col(ColumnDef::new("id").integer().not_null().primary_key())
            .col(ColumnDef::new("epoch").integer().not_null())
            .col(word("cluster", 40))
            .col(ColumnDef::new("expired_epoch").integer().not_null())
            .col(big("expired_transaction_number"))
            .col(big("expired_id"))
            .to_owned();
        manager.create_table(state).await?;
        let first = Query::insert()
            .into_table("change_log")
            .columns([
                "id",
                "epoch",
                "cluster",
                "expired_epoch",
                "expired_transaction_number",
                "expired_id",
            ])
            .values_panic([1.into(), 1.into(), "".into(), 0.into(), 0.into(), 0.into()])
            .to_owned();
        manager.execute(first).await?;

        let cascade = ForeignKeyAction::Cascade;
        let keys = Table::create()
            .table("idempotency_keys")
            .col(big("organization_id"))
            .col(word("actor", 300))
            .col(word("mutation", 100))
            .col(word("key", 255))
            .col(word("input_hash", 64))
            .col(ColumnDef::new("answer").json_binary())
            .col(stamp("created_at"))
            .primary_key(
                Index::create().col("organization_id").col("actor").col("mutation").col("key"),
            )
            .foreign_key(&mut reference(
                "idempotency_keys",
                "organization_id",
                "organizations",
                cascade,
            ))
            .to_owned();
        manager.create_table(keys).await?;
        let made = [Plain("created_at")];
        index(manager, "ix_idempotency_keys_created_at", "idempotency_keys", &made).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency_keys", "change_log", "changes"]).await
    }
}

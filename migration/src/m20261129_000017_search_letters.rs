//! SQLite search triggers that every version since 3.40 can parse, and accented letters outside the Latin alphabet.

use sea_orm_migration::prelude::*;

use crate::{m20261121_000011_search::TABLES, search::replace_triggers};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The letters that were previously indexed with their accents.
const LETTERS: &str = "ёЁάέήίόύώϊϋΐΰΆΈΉΊΌΎΏΪΫ";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace_triggers(manager, TABLES, LETTERS).await
    }

    /// Keeps the triggers, because they index the same rows in the same tables.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

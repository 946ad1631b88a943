//! Search triggers of SQLite that every version since 3.40 can parse, and letters with accents outside the Latin alphabet.

use sea_orm_migration::prelude::*;

use crate::{m20261121_000011_search::TABLES, search::replace_triggers};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The letters that were indexed with their accents before.
const LETTERS: &str = "ёЁάέήίόύώϊϋΐΰΆΈΉΊΌΎΏΪΫ";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace_triggers(manager, TABLES, LETTERS).await
    }

    /// The triggers stay: they index the same rows in the same tables.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

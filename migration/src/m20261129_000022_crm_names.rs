//! First and last names of prospects, as stored in their source.

use sea_orm_migration::prelude::*;

use crate::{
    column::short,
    ddl::{add_columns, drop_columns},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![short("first_name", 255), short("last_name", 255)];
        add_columns(manager, "prospects", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "prospects", &["last_name", "first_name"]).await
    }
}

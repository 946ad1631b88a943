//! Line numbers of import records, provider messages about them, and the request IDs of clients.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, number_or_absent, short},
    ddl::{add_columns, drop_columns},
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![number_or_absent("line_number"), long("provider_message")];
        add_columns(manager, "import_records", columns).await?;
        add_columns(manager, "changes", vec![short("client_request_id", 128)]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_columns(manager, "changes", &["client_request_id"]).await?;
        drop_columns(manager, "import_records", &["provider_message", "line_number"]).await
    }
}

//! Schema version of an imported sales-assistant database.

use engine::{error::Result, scope::Scope};
use entity::governance::alembic_version;
use sea_orm::{QueryOrder, QuerySelect};

/// The version of the imported database (`alembic_version.version_num`); `None` if no database was imported.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn get(scope: &Scope) -> Result<Option<String>> {
    let newest = scope
        .select::<alembic_version::Entity>()
        .order_by_desc(alembic_version::Column::VersionNum)
        .limit(1)
        .select_only()
        .column(alembic_version::Column::VersionNum);
    Ok(scope.store().tuples(&newest).await?.into_iter().next())
}

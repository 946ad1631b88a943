//! The schema version of a sales-assistant database that was brought over.

use entity::governance::alembic_version;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{error::Result, scope::Scope};

/// The version that the brought-over database had (`alembic_version.version_num`); `None` when
/// nothing was brought over.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
#[expect(clippy::disallowed_methods, reason = "filtered by the organization of the scope, here")]
pub async fn get(scope: &Scope) -> Result<Option<String>> {
    let row = alembic_version::Entity::find()
        .filter(alembic_version::Column::OrganizationId.eq(scope.organization()))
        .order_by_desc(alembic_version::Column::VersionNum)
        .one(scope.store().read())
        .await?;
    Ok(row.map(|row| row.version_num))
}

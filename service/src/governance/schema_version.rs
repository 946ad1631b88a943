//! The schema version of a sales-assistant database that was brought over.

use crate::{error::Result, scope::Scope};

/// The version that the brought-over database had (`alembic_version.version_num`); `None` when
/// nothing was brought over.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
pub async fn get(scope: &Scope) -> Result<Option<String>> {
    let sql = "SELECT \"version_num\" FROM \"alembic_version\" WHERE \"organization_id\" = {} \
               ORDER BY \"version_num\" DESC LIMIT 1";
    let rows = scope.store().query(sql, vec![scope.organization().into()]).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
}

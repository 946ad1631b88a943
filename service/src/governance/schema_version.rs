//! Schema version of an imported sales-assistant database.

use engine::{error::Result, scope::Scope};

/// The version of the imported database (`alembic_version.version_num`); `None` if no database was imported.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn get(scope: &Scope) -> Result<Option<String>> {
    let sql = "SELECT \"version_num\" FROM \"alembic_version\" WHERE \"organization_id\" = {} \
               ORDER BY \"version_num\" DESC LIMIT 1";
    let rows = scope.store().query(sql, vec![scope.organization().into()]).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
}

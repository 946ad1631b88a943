//! Export of all rows of a table of an organization.

use engine::{error::Result, policy::Permission, record::Record, scope::Scope, table::Table};
use futures_util::TryStreamExt;
use sea_orm::StreamTrait;

/// Passes every row of `table` in the organization to `take`, sorted by primary key, from a consistent snapshot. The
/// rows include soft-deleted rows, with their `deletedAt`. Returns the number of rows.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond, [`engine::Error::Forbidden`], and errors of `take`.
pub async fn export(
    scope: &Scope,
    table: &'static Table,
    mut take: impl FnMut(&Record) -> Result<()> + Send,
) -> Result<u64> {
    scope.demand(Permission::ManagePersonalData)?;
    let sql = format!(
        "SELECT {} FROM \"{}\" WHERE \"organization_id\" = {{}} ORDER BY \"id\"",
        table.column_list(),
        table.name
    );
    let store = scope.store();
    let statement = store.engine().statement(&sql, vec![scope.organization().into()]);
    // Write connections have no statement timeout.
    let mut rows = store.write().stream_raw(statement).await?;
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        take(&Record::read(table, &row, 0)?)?;
        count += 1;
    }
    Ok(count)
}

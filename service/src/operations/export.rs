//! All rows of a table of an organization, one after the other.

use futures_util::TryStreamExt;
use sea_orm::StreamTrait;

use crate::{
    error::Result, identity::policy::Permission, scope::Scope, table::Table, write::Record,
};

/// Hands every row of `table` that the organization has to `take`, in the order of the keys, as it was at
/// one moment; deleted ones too, which say so. Gives how many there were.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer, [`crate::Error::Forbidden`], and what
/// `take` says.
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
    // The side that writes has no time limit for a statement.
    let mut rows = store.write().stream_raw(statement).await?;
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        take(&Record::read(table, &row, 0)?)?;
        count += 1;
    }
    Ok(count)
}

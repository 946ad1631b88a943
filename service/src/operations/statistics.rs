//! Database size statistics.

use engine::{
    error::{Error, Result},
    policy::Permission,
    read::zone_data,
    scope::{Actor, Scope},
    store::Engine,
    table::Table,
};
use sea_orm::Value as Bind;

/// Size of the database, and row counts of an organization.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// `SQLite` or `PostgreSQL`, with its version.
    pub engine: String,
    /// Size of the whole database in bytes.
    pub bytes: i64,
    /// Version of the time zone data used for time buckets.
    pub time_zone_data: String,
    /// Row count of the organization per table name, including soft-deleted rows.
    pub tables: Vec<(&'static str, i64)>,
}

/// Measures the size of the database, and counts the rows of `tables`.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::OperatorOnly`] if the database has several organizations and the caller is not its
/// operator; [`Error::Unavailable`] if the database doesn't respond.
pub async fn statistics(scope: &Scope, tables: &[&'static Table]) -> Result<Statistics> {
    scope.demand(Permission::ViewStatistics)?;
    let store = scope.store();
    // The total size would reveal the data volume of other organizations.
    let is_operator = matches!(scope.actor(), Actor::LocalUser | Actor::CommandLine);
    if !is_operator {
        let sql = "SELECT count(*) FROM \"organizations\"";
        let organizations: Option<i64> = store
            .query(sql, Vec::new())
            .await?
            .first()
            .map(|row| row.try_get_by_index(0))
            .transpose()?;
        if organizations.unwrap_or_default() > 1 {
            return Err(Error::OperatorOnly("databaseStatistics"));
        }
    }
    let size = match store.engine() {
        Engine::Sqlite => {
            "SELECT 'SQLite ' || sqlite_version(), \
             (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
        }
        Engine::Postgres => {
            "SELECT 'PostgreSQL ' || current_setting('server_version'), \
             pg_database_size(current_database())"
        }
    };
    let rows = store.query(size, Vec::new()).await?;
    let row = rows.first().ok_or_else(|| Error::internal("database size is missing"))?;
    let (engine, bytes) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let count = |(place, table): (usize, &&Table)| {
        let name = table.name;
        format!(
            "SELECT {place} AS place, count(*) FROM \"{name}\" WHERE \"organization_id\" = {{}}"
        )
    };
    let sql: Vec<_> = tables.iter().enumerate().map(count).collect();
    let binds: Vec<Bind> = tables.iter().map(|_| scope.organization().into()).collect();
    let rows = store.query(&format!("{} ORDER BY place", sql.join(" UNION ALL ")), binds).await?;
    let counts = tables.iter().zip(&rows);
    let counts = counts.map(|(table, row)| Ok((table.name, row.try_get_by_index(1)?)));
    let time_zone_data = zone_data::version();
    Ok(Statistics { engine, bytes, time_zone_data, tables: counts.collect::<Result<_>>()? })
}

//! Size and row counts of the database.

use async_graphql::SimpleObject;
use service::operations::statistics::Statistics;

use crate::catalog;

/// Statistics of the database.
#[derive(SimpleObject)]
pub struct DatabaseStatistics {
    /// Engine and version.
    pub engine: String,
    /// Size of the database in bytes, over all organizations.
    pub size_bytes: f64,
    /// Version of the time zone data (IANA): `2026f`, or `system`.
    pub time_zone_data: String,
    /// Row counts of the organization.
    pub tables: Vec<TableStatistics>,
}

/// Number of rows of an entity.
#[derive(SimpleObject)]
pub struct TableStatistics {
    /// List field of the entity: `prospects`.
    pub name: String,
    /// Number of rows, including soft-deleted ones.
    pub rows: f64,
}

impl From<Statistics> for DatabaseStatistics {
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine quadrillion")]
    fn from(statistics: Statistics) -> Self {
        let name = |table: &str| {
            let entities = catalog::entities();
            let entity = entities.iter().find(|entity| entity.table.name == table);
            entity.map_or_else(|| table.to_owned(), |entity| entity.plural.to_owned())
        };
        let rows = statistics.tables.into_iter();
        Self {
            engine: statistics.engine,
            size_bytes: statistics.bytes as f64,
            time_zone_data: statistics.time_zone_data,
            tables: rows
                .map(|(table, rows)| TableStatistics { name: name(table), rows: rows as f64 })
                .collect(),
        }
    }
}

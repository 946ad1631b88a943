//! How large the database is.

use async_graphql::SimpleObject;
use service::operations::statistics::Statistics;

use crate::catalog;

/// How large the database is.
#[derive(SimpleObject)]
pub struct DatabaseStatistics {
    /// The engine, and which version of it.
    pub engine: String,
    /// The bytes of the whole database, of all organizations.
    pub size_bytes: f64,
    /// The version of the time zone data (IANA) that time is grouped by: `2026f`, or `system`.
    pub time_zone_data: String,
    /// The rows of the organization.
    pub tables: Vec<TableStatistics>,
}

/// How many rows there are of one kind.
#[derive(SimpleObject)]
pub struct TableStatistics {
    /// The list in the graph that has them: `prospects`.
    pub name: String,
    /// How many, deleted ones too.
    pub rows: f64,
}

impl From<Statistics> for DatabaseStatistics {
    #[expect(clippy::cast_precision_loss, reason = "exact to nine quadrillions")]
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

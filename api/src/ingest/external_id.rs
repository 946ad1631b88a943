//! External IDs in GraphQL.

use engine::Scope;
use salesgraph_macros::Entity;
use service::ingest::external_id::{rules, table};

use crate::catalog;
use graph::{DateTime, RowView, error::Result};

/// An external ID: the key of a row in another system, by which repeated imports recognize it.
#[derive(Entity)]
#[entity(table = table, plural = "externalIds", read = Read, writes = rules, write = WriteAll)]
pub struct ExternalId {
    /// Entity of the row: `import_job`.
    pub entity_type: String,
    /// Global ID of the row: `ImportJob:3`; it may have been deleted since.
    #[entity(computed = node_id, needs("entity_type", "entity_id"))]
    pub node_id: String,
    /// Source system: `enrichment`.
    pub system: String,
    /// Key in the source system.
    pub external_key: String,
    /// Time of the last comparison.
    pub last_synced_at: Option<DateTime>,
}

async fn node_id(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<String>> {
    let told = rows.iter().map(|row| {
        let name = catalog::called(row.text(0)).map_or(row.text(0), |entity| entity.name);
        format!("{name}:{}", row.cell(1).key().unwrap_or_default())
    });
    Ok(told.collect())
}

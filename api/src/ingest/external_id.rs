//! Keys of other systems in GraphQL.

use salesgraph_macros::Entity;
use service::{
    Scope,
    ingest::external_id::{rules, table},
};

use crate::{
    catalog,
    error::Result,
    graph::{DateTime, RowView},
};

/// The key that one of our rows has in another system: what makes an import that is repeated bring nothing twice.
#[derive(Entity)]
#[entity(table = table, plural = "externalIds", writes = rules)]
pub struct ExternalId {
    /// What the row is called here: `import_job`.
    pub entity_type: String,
    /// The global id of the row here: `ImportJob:3`; it may have been deleted since.
    #[entity(computed = node_id, needs("entity_type", "entity_id"))]
    pub node_id: String,
    /// The other system: `enrichment`.
    pub system: String,
    /// The key there.
    pub external_key: String,
    /// When both were compared last.
    pub last_synced_at: Option<DateTime>,
}

async fn node_id(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<String>> {
    let told = rows.iter().map(|row| {
        let name = catalog::called(row.text(0)).map_or(row.text(0), |entity| entity.name);
        format!("{name}:{}", row.cell(1).key().unwrap_or_default())
    });
    Ok(told.collect())
}

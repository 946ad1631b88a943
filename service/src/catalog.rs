//! All tables of the product, by context.

use std::sync::{Arc, LazyLock};

use engine::{
    change_log,
    enum_values::{EnumValue, enum_value},
    store::RowScopes,
    table::Table,
    write::ownership::Tables,
};

use crate::{alerts, crm, governance, identity, ingest, offer, outreach, usage};

/// The tables whose rows belong to organizations. Erasure and merges process them in this order.
#[must_use]
pub fn tables() -> Tables {
    static TABLES: LazyLock<Vec<&'static Table>> = LazyLock::new(|| {
        let mut tables = Vec::new();
        tables.extend(crm::tables());
        tables.extend(offer::tables());
        tables.extend(outreach::tables());
        tables.extend(usage::tables());
        tables.extend(identity::tables());
        tables.extend(alerts::tables());
        tables.extend(governance::tables());
        tables.extend(ingest::tables());
        tables
    });
    &TABLES
}

/// Which rows of each table a restricted member sees.
#[must_use]
pub fn row_scopes() -> Arc<RowScopes> {
    static SCOPES: LazyLock<Arc<RowScopes>> = LazyLock::new(|| {
        let tables: Vec<_> = tables().iter().copied().chain([change_log::table()]).collect();
        Arc::new(RowScopes::of(&tables))
    });
    Arc::clone(&SCOPES)
}

/// Entities of the change log (`changes.entity`).
#[must_use]
pub fn changed_entities() -> &'static [EnumValue] {
    static ENTITIES: LazyLock<Vec<EnumValue>> = LazyLock::new(|| {
        let logged = tables().iter().filter(|table| table.is_logged && !table.has_private_rows());
        logged.map(|table| enum_value(table.called, table.about)).collect()
    });
    &ENTITIES
}

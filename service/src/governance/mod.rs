//! Settings, the entities of the change log, and the schema version of an imported database.

pub mod schema_version;
pub mod setting;

use engine::table::Table;

/// The tables of this context.
pub(crate) fn tables() -> [&'static Table; 1] {
    [setting::table()]
}

//! Settings, the change log, and the schema version of an imported database.

pub mod change_log;
pub mod schema_version;
pub mod setting;

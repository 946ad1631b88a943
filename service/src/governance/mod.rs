//! Settings, the change log, and the schema version of a database that was brought over.

pub mod change_log;
pub mod schema_version;
pub mod setting;

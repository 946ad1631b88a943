//! The schema version of a database that was brought over.

pub mod schema_version;

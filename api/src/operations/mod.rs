//! How the database is doing.

pub mod statistics;

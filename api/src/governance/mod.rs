//! The change log and the settings in GraphQL.

pub mod change;
pub mod reverts;
pub mod setting;

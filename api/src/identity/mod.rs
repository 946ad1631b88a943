//! The authenticated caller in GraphQL.

pub mod viewer;

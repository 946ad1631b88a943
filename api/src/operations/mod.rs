//! Database statistics in GraphQL.

pub mod statistics;

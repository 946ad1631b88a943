//! The API: GraphQL types and roots, the HTTP server, the command line.
//!
//! Each entity is one documented struct in the folder of its context (`crm/prospect.rs`); [`graph`] generates its
//! GraphQL type, lists and relations. This crate cannot access tables: `sea-orm` is not among its dependencies.
#![recursion_limit = "256"]

pub mod alerts;
pub mod catalog;
pub mod cli;
pub mod crm;
pub mod governance;
pub mod graphiql;
pub mod identity;
pub mod ingest;
pub mod mail;
pub mod offer;
pub mod operations;
pub mod outreach;
pub mod permissions;
pub mod product_server;
pub mod progress;
pub mod provider;
pub mod schema;
mod schema_route;
pub mod search;
pub mod subscription;
pub mod usage;

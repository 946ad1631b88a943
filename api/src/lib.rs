//! How it is asked: GraphQL types and roots, the HTTP server, the command line.
//!
//! Each entity is one documented struct in the folder of its context (`crm/prospect.rs`); the
//! machinery that makes a GraphQL type, its lists and its relations of it is in [`graph`]. Nothing
//! here can reach a table: `sea-orm` is not among the dependencies of this crate.
#![recursion_limit = "256"]

pub mod catalog;
pub mod cli;
pub mod crm;
mod csv;
pub mod document;
pub mod error;
pub mod execute;
pub mod governance;
pub mod graph;
pub mod http;
pub mod identity;
pub mod ingest;
pub mod offer;
pub mod operations;
pub mod outreach;
pub mod permission;
pub mod progress;
pub mod provider;
pub mod schema;
pub mod search;
pub mod subscription;
pub mod text;
pub mod usage;

//! The API: GraphQL types and roots, the HTTP server, the command line.
//!
//! Each entity is one documented struct in the folder of its context (`crm/prospect.rs`); [`graph`] generates its
//! GraphQL type, lists and relations. This crate cannot access tables: `sea-orm` is not among its dependencies.
#![recursion_limit = "256"]

pub mod catalog;
pub mod cli;
pub mod crm;
mod csv;
pub mod document;
pub mod execute;
pub mod governance;
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
pub mod usage;
